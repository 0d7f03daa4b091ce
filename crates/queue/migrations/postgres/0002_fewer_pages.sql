-- each task writes fewer pages: only what was tried before waits for a time

DROP INDEX tasks_run_after;
CREATE INDEX tasks_run_after ON tasks (run_after) WHERE state = 'queued' AND attempt > 0;
