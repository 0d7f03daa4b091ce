-- figures over a range are read from one index, and failures from another, without looking at a row

DROP INDEX tasks_last_run;
CREATE INDEX tasks_last_run ON tasks (operation, dry_run, finished_at, id)
    INCLUDE (state, enqueued_at, started_at, worker_host, target_host) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_failed ON tasks (finished_at, id) INCLUDE (operation, worker_host, target_host) WHERE state = 'failed';
