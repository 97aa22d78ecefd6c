-- The service's tables. Running this again changes nothing; the job queue's own tables come with procrastinate.

CREATE TABLE IF NOT EXISTS hosts (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    hostname    text NOT NULL,
    port        integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    username    text NOT NULL,
    credential  text NOT NULL CHECK (credential ~ '^[a-z0-9][a-z0-9-]*$'),  -- a name; the secret is on the workers
    sudo        boolean NOT NULL,
    host_key    text NOT NULL,                                              -- the one key this host may show
    UNIQUE (hostname, port)
);

CREATE TABLE IF NOT EXISTS scans (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    host_id       uuid NOT NULL REFERENCES hosts,
    status        text NOT NULL DEFAULT 'queued'
                  CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    reason        text,                         -- why it failed, or waits for another attempt: a code
    detail        text,                         -- and the same for people
    attempt       integer NOT NULL DEFAULT 0,   -- fences writes: only the latest attempt may store anything
    worker        text,
    job_id        bigint,
    done          integer NOT NULL DEFAULT 0,
    total         integer,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    started_at    timestamptz,                  -- the database's clock, so that all workers agree on the order
    ended_at      timestamptz,
    context       jsonb,                        -- platform, capabilities, completeness, versions of engine and rules
    CHECK (status <> 'failed' OR reason IS NOT NULL)
);

-- One scan of a host at a time, whatever the workers do.
CREATE UNIQUE INDEX IF NOT EXISTS scans_active ON scans (host_id) WHERE status IN ('queued', 'running');
CREATE INDEX IF NOT EXISTS scans_ended ON scans (host_id, ended_at DESC);

CREATE TABLE IF NOT EXISTS scan_findings (
    scan_id         uuid NOT NULL REFERENCES scans ON DELETE CASCADE,
    rule_id         text NOT NULL,
    title           text NOT NULL,
    severity        text NOT NULL,
    category        text NOT NULL,
    status          text NOT NULL CHECK (status IN ('pass', 'fail', 'skipped', 'error')),
    reason          text,
    detail          text NOT NULL,
    expected        text,
    actual          text,
    evidence        jsonb NOT NULL,             -- every command with its output, as the engine gave it
    framework_refs  jsonb NOT NULL,             -- {"nist_800_53": ["AC-6", "CM-6"], ...}: every framework, every control
    variables       jsonb NOT NULL,             -- the site's values the rule used
    checked_at      timestamptz,
    PRIMARY KEY (scan_id, rule_id),
    CHECK (status NOT IN ('skipped', 'error') OR reason IS NOT NULL),
    CHECK (status NOT IN ('pass', 'fail') OR jsonb_array_length(evidence) > 0)
);
CREATE INDEX IF NOT EXISTS scan_findings_refs ON scan_findings USING gin (framework_refs jsonb_path_ops);

CREATE TABLE IF NOT EXISTS posture_snapshots (
    scan_id      uuid PRIMARY KEY REFERENCES scans ON DELETE CASCADE,
    host_id      uuid NOT NULL REFERENCES hosts,
    observed_at  timestamptz NOT NULL,
    conclusion   text NOT NULL CHECK (conclusion IN ('compliant', 'findings', 'incomplete')),
    passed       integer NOT NULL,
    failed       integer NOT NULL,
    skipped      integer NOT NULL,
    errors       integer NOT NULL,
    unanswered   integer NOT NULL,              -- questions the host did not answer
    -- Cut, not rounded, and errors count against it; a scan with open questions has none.
    score        numeric GENERATED ALWAYS AS (
                     CASE WHEN unanswered = 0 THEN trunc(100.0 * passed / nullif(passed + failed + errors, 0), 1) END
                 ) STORED,
    -- Whatever a program says: only a complete scan without errors and findings is compliant.
    CHECK (conclusion <> 'compliant' OR (passed > 0 AND failed = 0 AND errors = 0 AND unanswered = 0))
);
CREATE INDEX IF NOT EXISTS posture_by_time ON posture_snapshots (host_id, observed_at DESC);

-- Whoever watches a scan is told that its row changed.
CREATE OR REPLACE FUNCTION announce_scan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('scan_changed', NEW.id::text);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER scan_changed AFTER INSERT OR UPDATE ON scans FOR EACH ROW EXECUTE FUNCTION announce_scan();
