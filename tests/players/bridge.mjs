// Drives one browser for Python: a command in JSON on each line of standard input, an answer on each line of standard
// output. node bridge.mjs '{"browser": "chrome", "executablePath": "/usr/bin/chromium", "args": […]}'
import {createInterface} from 'node:readline';
import puppeteer from 'puppeteer-core';

const browser = await puppeteer.launch(JSON.parse(process.argv[2]));
const pages = new Map();

// What a page asked of others, as the browser tells it.
function record(page, requests) {
  page.on('requestfinished', async request => {
    const url = request.url();
    if (url.startsWith('data:') || url.startsWith('blob:')) return;
    const response = request.response();
    const entry = [request.method(), url, response?.status() ?? 0, ''];
    requests.push(entry);
    if (url.includes('/steering')) entry[3] = await response.text().catch(() => '');
  });
  page.on('requestfailed', request => {
    // Also an answer of which the page read nothing but the status: hls.js does so with its reports.
    const status = request.response()?.status() ?? 0;
    requests.push([request.method(), request.url(), status, request.failure()?.errorText ?? '']);
  });
}

const commands = {
  // Each page has a context of its own: one in the background of another would not play.
  async open({url}) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const [name, requests, said] = [String(pages.size + 1), [], []];
    pages.set(name, {context, page, requests, said});
    page.on('console', message => { if (['error', 'warn'].includes(message.type())) said.push(message.text()); });
    page.on('pageerror', error => said.push(String(error)));
    record(page, requests);
    await page.goto(url, {waitUntil: 'domcontentloaded'});
    return name;
  },
  states: ({names}) => Promise.all(names.map(name => pages.get(name).page.evaluate('window.state()'))),
  requests: async ({name}) => pages.get(name).requests,
  said: async ({name}) => pages.get(name).said,
  close: async ({name}) => {
    await pages.get(name).context.close();
    pages.get(name).requests.length = 0;
  },
  version: () => browser.version(),
};

for await (const line of createInterface({input: process.stdin})) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = {result: await commands[command.do](command) ?? null};
  } catch (error) {
    answer = {error: String(error)};
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
