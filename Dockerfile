# One image for web, beat and workers; docker-compose.yml says what each of them runs.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    DEPLOYMENT=production DATA_DIR=/data HOST=0.0.0.0

WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install --requirement requirements.txt
COPY . .

# Jobs run code: not as root, and not as the owner of the program's own files.
RUN useradd --system --uid 10001 --home-dir /data belfry \
    && mkdir -p /data/environments /data/artifacts \
    && SECRET_KEY=only-for-collecting-files python manage.py collectstatic --no-input --verbosity 0 \
    && chown -R belfry /data
USER belfry
EXPOSE 8000
CMD ["python", "manage.py", "up"]
