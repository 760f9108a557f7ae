// What weights mean, and how weights are found that move a part of the traffic. Nothing here touches the page.

export const MOST = 10000;

/** @typedef {Pick<API.Target, "name" | "weight" | "tier" | "enabled">} Weighed */

/**
 * Return the targets that serve while all are healthy: of the lowest tier that has any.
 * @template {Weighed} T
 * @param {T[]} targets
 */
export function serving(targets) {
  const able = targets.filter(target => target.enabled && target.weight > 0);
  const tier = Math.min(...able.map(target => target.tier));
  return able.filter(target => target.tier === tier);
}

/**
 * Return targets as they are given to the service: what an origin has not is left out, even as nothing.
 * @param {API.Target[]} targets
 */
export function given(targets) {
  return targets.map(({host, scheme, path, ...rest}) =>
    rest.kind === "origin" ? rest : {host, scheme, path, ...rest},
  );
}

/**
 * Return by name which part of the requests each target gets by its weight, from 0 to 1.
 * @param {Weighed[]} targets
 * @param {string} policy
 * @returns {Record<string, number>}
 */
export function sharesOf(targets, policy) {
  const chosen = serving(targets);
  const whole = policy === "failover" ? 1 : chosen.reduce((sum, target) => sum + target.weight, 0);
  const found = Object.fromEntries(targets.map(target => [target.name, 0]));
  for (const [index, target] of chosen.entries()) {
    found[target.name] = policy === "failover" ? Number(index === 0) : target.weight / whole;
  }
  return found;
}

/**
 * Return the part of all requests that would go elsewhere, from 0 to 1.
 * @param {Record<string, number>} before
 * @param {Record<string, number>} after
 */
export function movedPart(before, after) {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  let moved = 0;
  for (const name of names) moved += Math.max(0, (after[name] || 0) - (before[name] || 0));
  return moved;
}

/**
 * Return weights by name that move a part of all requests from one target to another, exactly; null where that is not
 * possible: both must be in the tier that serves, and the first one must have that much.
 * @param {API.Target[]} targets
 * @param {string} from
 * @param {string} to
 * @param {number} percents Of all requests.
 * @returns {Record<string, number> | null}
 */
export function movedWeights(targets, from, to, percents) {
  const chosen = serving(targets);
  const giver = chosen.find(target => target.name === from);
  const taker = targets.find(target => target.name === to);
  if (!giver || !taker || !taker.enabled || taker.tier !== giver.tier || from === to) return null;
  const members = chosen.includes(taker) ? chosen : [...chosen, taker];
  const whole = members.reduce((sum, target) => sum + target.weight, 0);
  // Percents with one digit behind the point, in thousandths.
  const part = Math.round(percents * 10);
  const factor = 1000 / divisor(whole * part, 1000);
  const moved = (whole * factor * part) / 1000;
  if (part <= 0 || moved > giver.weight * factor) return null;
  /** @type {Record<string, number>} */
  const found = Object.fromEntries(members.map(target => [target.name, target.weight * factor]));
  found[from] -= moved;
  found[to] += moved;
  const common = Object.values(found).reduce(divisor);
  for (const name of Object.keys(found)) found[name] /= common;
  return Math.max(...Object.values(found)) > MOST ? null : found;
}

/**
 * @param {number} one
 * @param {number} other
 * @returns {number}
 */
function divisor(one, other) {
  return other ? divisor(other, one % other) : one || 1;
}

/**
 * Return where a slider ends that has room above the largest weight.
 * @param {API.Target[]} targets
 */
export function scaleOf(targets) {
  const largest = Math.max(1, ...targets.map(target => target.weight));
  return [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find(end => end >= 1.5 * largest) || MOST;
}

/**
 * Merge what I have changed into what another admin has made of the same targets, field by field.
 * @param {API.Target[]} base What both began with.
 * @param {API.Target[]} mine
 * @param {API.Target[]} theirs
 * @returns {{targets: API.Target[], clashes: {name: string, field: string}[]}} Where both have changed a field, mine counts.
 */
export function merged(base, mine, theirs) {
  /** @type {{name: string, field: string}[]} */
  const clashes = [];
  const targets = theirs.map(their => {
    const begun = base.find(target => target.name === their.name);
    const my = mine.find(target => target.name === their.name);
    if (!begun || !my) return their;
    /** @type {any} */
    const found = {...their};
    for (const field of /** @type {const} */ (["weight", "tier", "enabled"])) {
      if (my[field] === begun[field]) continue;
      if (their[field] !== begun[field] && their[field] !== my[field]) clashes.push({name: their.name, field});
      found[field] = my[field];
    }
    return found;
  });
  return {targets, clashes};
}
