-- times are milliseconds since the Unix epoch, UTC; ids are UUIDv7 as text; JSON is text
-- ids and hosts are compared byte by byte, whatever language the database speaks

CREATE TABLE tasks (
    id                  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    operation           TEXT COLLATE "C" NOT NULL,
    params              TEXT    NOT NULL,
    dry_run             BIGINT  NOT NULL DEFAULT 0,
    target_host         TEXT COLLATE "C",
    group_id            TEXT COLLATE "C",
    state               TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled')),
    priority            BIGINT  NOT NULL,
    dedup_key           TEXT COLLATE "C",
    requested_by        TEXT    NOT NULL CHECK (requested_by <> ''),
    enqueued_at         BIGINT  NOT NULL,
    run_after           BIGINT  NOT NULL,
    attempt             BIGINT  NOT NULL DEFAULT 0,
    max_attempts        BIGINT  NOT NULL CHECK (max_attempts > 0),
    timeout_ms          BIGINT  NOT NULL CHECK (timeout_ms > 0),
    lease_token         TEXT COLLATE "C",
    lease_until         BIGINT,
    lease_ms            BIGINT,
    worker_id           TEXT COLLATE "C",
    worker_host         TEXT COLLATE "C",
    started_at          BIGINT,
    finished_at         BIGINT,
    cancel_requested_at BIGINT,
    cancel_requested_by TEXT,
    progress            TEXT,
    error               TEXT,
    report              TEXT,
    rerun_of            TEXT COLLATE "C",
    CHECK (attempt <= max_attempts),
    CHECK ((state = 'running') = (lease_token IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK ((state IN ('succeeded', 'partial', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
)
-- rows change several times in their life: room on the page, and dead ones swept early
WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE UNIQUE INDEX tasks_dedup ON tasks (dedup_key) WHERE dedup_key IS NOT NULL AND state IN ('queued', 'running');
CREATE INDEX tasks_claim_priority ON tasks (operation, target_host, priority, enqueued_at, id) WHERE state = 'queued';
CREATE INDEX tasks_claim_age ON tasks (operation, target_host, enqueued_at, id) WHERE state = 'queued';
CREATE INDEX tasks_run_after ON tasks (run_after) WHERE state = 'queued';
CREATE INDEX tasks_running ON tasks (worker_host, operation) WHERE state = 'running';
CREATE INDEX tasks_enqueued ON tasks (enqueued_at, id);
CREATE INDEX tasks_state ON tasks (state, enqueued_at, id);
CREATE INDEX tasks_state_operation ON tasks (state, operation, enqueued_at, id);
CREATE INDEX tasks_group ON tasks (group_id, enqueued_at, id) WHERE group_id IS NOT NULL;
CREATE INDEX tasks_host ON tasks (COALESCE(worker_host, target_host), enqueued_at, id)
    WHERE worker_host IS NOT NULL OR target_host IS NOT NULL;
CREATE INDEX tasks_last_run ON tasks (operation, dry_run, finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_finished ON tasks (finished_at, id) WHERE finished_at IS NOT NULL;

CREATE TABLE attempts (
    task_id      TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    number       BIGINT  NOT NULL,
    worker_id    TEXT    NOT NULL,
    host         TEXT    NOT NULL,
    pid          BIGINT  NOT NULL,
    lease_token  TEXT    NOT NULL,
    started_at   BIGINT  NOT NULL,
    ended_at     BIGINT,
    ended_by     TEXT,
    outcome      TEXT    NOT NULL,
    error        TEXT,
    late_at      BIGINT,
    late_outcome TEXT,
    late_error   TEXT,
    PRIMARY KEY (task_id, number)
) WITH (fillfactor = 85);

CREATE TABLE task_log (
    task_id  TEXT COLLATE "C" NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    attempt  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    level    TEXT   NOT NULL,
    message  TEXT   NOT NULL,
    PRIMARY KEY (task_id, sequence)
);

CREATE TABLE workers (
    id                 TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    host               TEXT COLLATE "C" NOT NULL,
    pid                BIGINT NOT NULL,
    version            TEXT   NOT NULL,
    embedded           BIGINT NOT NULL,
    operations         TEXT   NOT NULL,
    strategy           TEXT   NOT NULL,
    concurrency        BIGINT NOT NULL,
    state              TEXT   NOT NULL CHECK (state IN ('active', 'draining', 'stopped')),
    started_at         BIGINT NOT NULL,
    heartbeat_at       BIGINT NOT NULL,
    vitals             TEXT,
    drain_requested_at BIGINT,
    drain_requested_by TEXT
) WITH (fillfactor = 50);

CREATE INDEX workers_heartbeat ON workers (heartbeat_at);

CREATE TABLE paused_operations (
    operation TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    paused_at BIGINT NOT NULL,
    paused_by TEXT   NOT NULL CHECK (paused_by <> '')
);

CREATE TABLE audit (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    at         BIGINT NOT NULL,
    who        TEXT   NOT NULL CHECK (who <> ''),
    what       TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    parameters TEXT   NOT NULL
);
