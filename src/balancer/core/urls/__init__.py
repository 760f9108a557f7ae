"""What a URL of a video is: hosts, videos, the two URLs that a request can lead to."""
