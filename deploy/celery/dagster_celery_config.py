"""What Celery workers that execute imports are told; Dagster's worker finds this module by its name on PYTHONPATH.

The broker and the backend are the ones that ``dagster.yaml`` names, from the same variables:
secrets stand in no file.

    PYTHONPATH=deploy/celery celery --app dagster_celery.app worker --queues dagster --concurrency 2
"""

import os

broker_url = os.environ["DAGSTER_CELERY_BROKER_URL"]
result_backend = os.environ["DAGSTER_CELERY_BACKEND_URL"]

broker_connection_retry_on_startup = True
# A worker takes an import when it can begin it, or others would stand idle while imports wait behind a long one.
worker_prefetch_multiplier = 1
# Libraries that read a million rows do not give all of their memory back.
worker_max_tasks_per_child = 20
# Dagster knows how an import ended; Celery has to know only while Dagster may ask.
result_expires = 86_400
