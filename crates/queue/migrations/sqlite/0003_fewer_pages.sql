-- each task writes fewer pages: tables that are found by their key alone need no second tree for it

CREATE TABLE attempts_by_key (
    task_id      TEXT    NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    number       BIGINT  NOT NULL,
    worker_id    TEXT    NOT NULL,
    host         TEXT    NOT NULL,
    pid          BIGINT  NOT NULL,
    lease_token  TEXT    NOT NULL,
    started_at   BIGINT  NOT NULL,
    ended_at     BIGINT,
    outcome      TEXT    NOT NULL,
    error        TEXT,
    ended_by     TEXT,
    late_at      BIGINT,
    late_outcome TEXT,
    late_error   TEXT,
    PRIMARY KEY (task_id, number)
) WITHOUT ROWID;
INSERT INTO attempts_by_key
SELECT task_id, number, worker_id, host, pid, lease_token, started_at, ended_at, outcome, error, ended_by, late_at, late_outcome, late_error
FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_by_key RENAME TO attempts;

CREATE TABLE task_log_by_key (
    task_id  TEXT   NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    attempt  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    level    TEXT   NOT NULL,
    message  TEXT   NOT NULL,
    PRIMARY KEY (task_id, sequence)
) WITHOUT ROWID;
INSERT INTO task_log_by_key SELECT task_id, sequence, attempt, at, level, message FROM task_log;
DROP TABLE task_log;
ALTER TABLE task_log_by_key RENAME TO task_log;

CREATE TABLE audit_by_key (
    id         TEXT   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    who        TEXT   NOT NULL CHECK (who <> ''),
    what       TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    parameters TEXT   NOT NULL
) WITHOUT ROWID;
INSERT INTO audit_by_key SELECT id, at, who, what, subject, parameters FROM audit;
DROP TABLE audit;
ALTER TABLE audit_by_key RENAME TO audit;

-- only what was tried before waits for a time
DROP INDEX tasks_run_after;
CREATE INDEX tasks_run_after ON tasks (run_after) WHERE state = 'queued' AND attempt > 0;
