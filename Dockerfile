# One image for web, beat and workers; docker-compose.yml says what each of them runs.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    DEPLOYMENT=production DATA_DIR=/data HOST=0.0.0.0

WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install --requirement requirements.txt
COPY . .

# Not as root, and not as the owner of the program's own files. The code of jobs runs as `jobs`, where the container has the
# right to (docker-compose.yml): it may pass through /data to the environments, which its group reads; belfry is in it.
RUN useradd --system --uid 10002 --user-group --home-dir /nonexistent jobs \
    && useradd --system --uid 10001 --user-group --groups jobs --home-dir /data belfry \
    && mkdir -p /data/environments /data/artifacts \
    && SECRET_KEY=only-for-collecting-files python manage.py collectstatic --no-input --verbosity 0 \
    && chown -R belfry:belfry /data && chmod 711 /data /data/environments && chmod 700 /data/artifacts
USER belfry
EXPOSE 8000
CMD ["python", "manage.py", "up"]
