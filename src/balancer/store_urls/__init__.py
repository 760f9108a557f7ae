"""URLs of databases and of Redis as the operator gives them: read by the rules of the libraries that will use them.

No error repeats a URL, which may have a password in it.
"""

from balancer.store_urls.database_urls import check_database_url, passwords_of_database, read_database_url
from balancer.store_urls.redis_urls import RedisKind, RedisPlace, passwords_of_redis, read_redis_url

__all__ = [
    "RedisKind",
    "RedisPlace",
    "check_database_url",
    "passwords_of_database",
    "passwords_of_redis",
    "read_database_url",
    "read_redis_url",
]
