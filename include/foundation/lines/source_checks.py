"""Whether a source of lines can be read, asked of it cheaply: what a test of its connection says."""

import os
from pathlib import Path

from include.foundation.config.loading import resolve
from include.foundation.errors import ConfigError
from include.foundation.lines.sources import Access
from include.foundation.store.objects.s3_objects import bucket_and_key, s3_client
from include.foundation.uris import is_remote


def check_folder(uri: str, access: Access) -> str:
    """Ask a folder or bucket for one name and say in one sentence what answered.

    Parameters
    ----------
    uri
        A folder, or ``s3://bucket/prefix``.
    access
        Has the credentials of an object store.

    Raises
    ------
    ConfigError
        If there is no such folder, or it cannot be listed. What an object store refuses is raised as it comes.
    """
    place = resolve(uri)
    if is_remote(place):
        bucket, prefix = bucket_and_key(place)
        s3_client(access.s3_options).list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    elif not Path(place).is_dir() or not os.access(place, os.R_OK | os.X_OK):
        raise ConfigError(f"{place}: no folder that this process can read; create it or mend logs.uri")
    return f"{place} can be listed"


def check_database(access: Access) -> str:
    """Ask a database for one row and say in one sentence what answered; the password does not show.

    Raises
    ------
    ConfigError
        If there is no URL, its driver is not installed, or the database does not answer.
    """
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    if access.database_url is None:
        raise ConfigError("format sql: no connection to the database; set `connection` in the loop file")
    try:
        engine = create_engine(access.database_url)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigError(f"The database cannot be asked: {getattr(error, 'orig', None) or error}") from None
    return f"{engine.url.render_as_string(hide_password=True)} answers"
