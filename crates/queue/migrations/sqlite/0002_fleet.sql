-- targets and fan-outs, paused operations, drained workers, late results; leases with their own length

ALTER TABLE tasks ADD COLUMN group_id TEXT;
ALTER TABLE tasks ADD COLUMN lease_ms BIGINT;

ALTER TABLE attempts ADD COLUMN ended_by TEXT;
ALTER TABLE attempts ADD COLUMN late_at BIGINT;
ALTER TABLE attempts ADD COLUMN late_outcome TEXT;
ALTER TABLE attempts ADD COLUMN late_error TEXT;

ALTER TABLE workers ADD COLUMN drain_requested_at BIGINT;
ALTER TABLE workers ADD COLUMN drain_requested_by TEXT;

CREATE TABLE paused_operations (
    operation TEXT   NOT NULL PRIMARY KEY,
    paused_at BIGINT NOT NULL,
    paused_by TEXT   NOT NULL CHECK (paused_by <> '')
);

-- a task that ran when this was installed has a lease of the default length
UPDATE tasks SET lease_ms = 10000 WHERE state = 'running';

-- the claim looks at each operation and target by itself: whatever else waits is not in its way
DROP INDEX tasks_claim_priority;
DROP INDEX tasks_claim_age;
CREATE INDEX tasks_claim_priority ON tasks (operation, target_host, priority, enqueued_at, id) WHERE state = 'queued';
CREATE INDEX tasks_claim_age ON tasks (operation, target_host, enqueued_at, id) WHERE state = 'queued';
-- rescue reads all that runs; limits count it by host and operation
DROP INDEX tasks_lease;
CREATE INDEX tasks_running ON tasks (worker_host, operation) WHERE state = 'running';
-- the list: each state, or each pair of state and operation, in the order of the list
DROP INDEX tasks_operation;
CREATE INDEX tasks_state_operation ON tasks (state, operation, enqueued_at, id);
CREATE INDEX tasks_group ON tasks (group_id, enqueued_at, id) WHERE group_id IS NOT NULL;
CREATE INDEX tasks_host ON tasks (COALESCE(worker_host, target_host), enqueued_at, id)
    WHERE worker_host IS NOT NULL OR target_host IS NOT NULL;
