-- times are milliseconds since the Unix epoch, UTC; ids are UUIDv7 as text; JSON is text

CREATE TABLE tasks (
    id                  TEXT    NOT NULL PRIMARY KEY,
    operation           TEXT    NOT NULL,
    params              TEXT    NOT NULL,
    dry_run             BIGINT  NOT NULL DEFAULT 0,
    target_host         TEXT,
    state               TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled')),
    priority            BIGINT  NOT NULL,
    dedup_key           TEXT,
    requested_by        TEXT    NOT NULL CHECK (requested_by <> ''),
    enqueued_at         BIGINT  NOT NULL,
    run_after           BIGINT  NOT NULL,
    attempt             BIGINT  NOT NULL DEFAULT 0,
    max_attempts        BIGINT  NOT NULL CHECK (max_attempts > 0),
    timeout_ms          BIGINT  NOT NULL CHECK (timeout_ms > 0),
    lease_token         TEXT,
    lease_until         BIGINT,
    worker_id           TEXT,
    worker_host         TEXT,
    started_at          BIGINT,
    finished_at         BIGINT,
    cancel_requested_at BIGINT,
    cancel_requested_by TEXT,
    progress            TEXT,
    error               TEXT,
    report              TEXT,
    rerun_of            TEXT,
    CHECK (attempt <= max_attempts),
    CHECK ((state = 'running') = (lease_token IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('succeeded', 'partial', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
);

-- the very same request is queued or running at most once
CREATE UNIQUE INDEX tasks_dedup ON tasks (dedup_key) WHERE dedup_key IS NOT NULL AND state IN ('queued', 'running');
-- the claim, by strategy
CREATE INDEX tasks_claim_priority ON tasks (priority, enqueued_at, id) WHERE state = 'queued';
CREATE INDEX tasks_claim_age ON tasks (enqueued_at, id) WHERE state = 'queued';
CREATE INDEX tasks_run_after ON tasks (run_after) WHERE state = 'queued';
-- rescue
CREATE INDEX tasks_lease ON tasks (lease_until) WHERE state = 'running';
-- the list and its filters
CREATE INDEX tasks_enqueued ON tasks (enqueued_at, id);
CREATE INDEX tasks_state ON tasks (state, enqueued_at, id);
CREATE INDEX tasks_operation ON tasks (operation, enqueued_at, id);
-- the last run of an operation, and cleaning the history
CREATE INDEX tasks_last_run ON tasks (operation, dry_run, finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_finished ON tasks (finished_at, id) WHERE finished_at IS NOT NULL;

CREATE TABLE attempts (
    task_id     TEXT    NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    number      BIGINT  NOT NULL,
    worker_id   TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    pid         BIGINT  NOT NULL,
    lease_token TEXT    NOT NULL,
    started_at  BIGINT  NOT NULL,
    ended_at    BIGINT,
    outcome     TEXT    NOT NULL,
    error       TEXT,
    PRIMARY KEY (task_id, number)
);

CREATE TABLE task_log (
    task_id  TEXT   NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    attempt  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    level    TEXT   NOT NULL,
    message  TEXT   NOT NULL,
    PRIMARY KEY (task_id, sequence)
);

CREATE TABLE workers (
    id           TEXT   NOT NULL PRIMARY KEY,
    host         TEXT   NOT NULL,
    pid          BIGINT NOT NULL,
    version      TEXT   NOT NULL,
    embedded     BIGINT NOT NULL,
    operations   TEXT   NOT NULL,
    strategy     TEXT   NOT NULL,
    concurrency  BIGINT NOT NULL,
    state        TEXT   NOT NULL CHECK (state IN ('active', 'draining', 'stopped')),
    started_at   BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL,
    vitals       TEXT
);

CREATE INDEX workers_heartbeat ON workers (state, heartbeat_at);

CREATE TABLE audit (
    id         TEXT   NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    who        TEXT   NOT NULL CHECK (who <> ''),
    what       TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    parameters TEXT   NOT NULL
);
