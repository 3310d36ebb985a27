BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('0003');
CREATE TABLE dataset (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	source_format VARCHAR NOT NULL, 
	rows INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	characters INTEGER NOT NULL, 
	created_by_name VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO dataset VALUES ('ds-f66620658f64', 'Customer Support Starter', 'f66620658f64bea54a32c57881e8cc6993d270dbd84bb8fb7db2f5455dbd6bb5', 'chat', 150, 50608, 37194, 'Alice', '2026-11-22 04:58:22.563829');
CREATE TABLE profile (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	theme VARCHAR NOT NULL, 
	confirmed BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO profile VALUES (1, 'Alice', 'alice@example.org', 'auto', 1);
CREATE TABLE draft (
	"key" VARCHAR NOT NULL, 
	content VARCHAR NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO draft VALUES ('sft', '{"model": "tiny", "display_name": "Half typed"}', '2026-11-22 04:58:22.550685');
CREATE TABLE "job" (
	id VARCHAR NOT NULL, 
	objective VARCHAR(32) NOT NULL, 
	method VARCHAR NOT NULL, 
	display_name VARCHAR NOT NULL, 
	output_name VARCHAR NOT NULL, 
	model_id VARCHAR NOT NULL, 
	model_name VARCHAR NOT NULL, 
	dataset_id VARCHAR NOT NULL, 
	dataset_name VARCHAR NOT NULL, 
	created_by_name VARCHAR NOT NULL, 
	created_by_email VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	ended_at DATETIME, 
	status VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	token VARCHAR NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	stage VARCHAR NOT NULL, 
	cause VARCHAR(32), 
	message VARCHAR NOT NULL, 
	evidence VARCHAR NOT NULL, 
	epochs INTEGER NOT NULL, 
	epoch FLOAT NOT NULL, 
	step INTEGER NOT NULL, 
	total_steps INTEGER NOT NULL, 
	loss FLOAT, 
	eval_loss FLOAT, 
	pause_requested BOOLEAN DEFAULT 0 NOT NULL, 
	held BOOLEAN DEFAULT 0 NOT NULL, 
	priority INTEGER DEFAULT '0' NOT NULL, 
	place FLOAT DEFAULT '0' NOT NULL, 
	restarts INTEGER DEFAULT '0' NOT NULL, 
	restarted_at_step INTEGER DEFAULT '-1' NOT NULL, 
	health VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO job VALUES ('done-1', 'sft', 'lora', 'The completed one', 'ft-20261122-045822-45651b', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:22.625061', '2026-11-22 04:58:22.674806', '2026-11-22 04:58:22.674806', 'completed', 1, '9c26bc113f4494055a414777c2e931de', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532350264968609812e+09, 0, -1, '');
INSERT INTO job VALUES ('failed-1', 'sft', 'lora', 'The failed one', 'ft-20261122-045822-395ab8', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:22.719371', '2026-11-22 04:58:22.746835', '2026-11-22 04:58:22.746835', 'failed', 1, 'cf8ac8bf1f9c1805a6703e01f6b5765b', 0, '', 'oom_gpu', 'The GPU''s memory was full.', 'CUDA …', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532350273745799061e+09, 0, -1, '');
INSERT INTO job VALUES ('cancelled-1', 'sft', 'lora', 'The cancelled one', 'ft-20261122-045822-39fa56', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:22.787096', NULL, '2026-11-22 04:58:22.796384', 'cancelled', 0, '', 0, '', NULL, 'Cancelled by Alice.', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1795323502.7936, 0, -1, '');
INSERT INTO job VALUES ('running-1', 'sft', 'lora', 'The running one', 'ft-20261122-045822-63ede2', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:22.802166', '2026-11-22 04:58:22.812553', NULL, 'running', 1, 'cdf42f2a9da8fbafa7c902899db4aa94', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532350280893898014e+09, 0, -1, '');
INSERT INTO job VALUES ('waits-1', 'sft', 'lora', 'The queued one', 'ft-20261122-045822-60396c', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:22.824011', NULL, NULL, 'queued', 0, '', 0, '', NULL, '', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79532350283083891873e+09, 0, -1, '');
CREATE VIRTUAL TABLE job_search USING fts5(id, display_name, output_name, dataset_name, created_by_email, created_by_name, content='job', content_rowid='rowid', tokenize='trigram');
CREATE INDEX ix_dataset_name ON dataset (name);
CREATE INDEX ix_dataset_created_at ON dataset (created_at);
CREATE UNIQUE INDEX ix_dataset_sha256 ON dataset (sha256);
CREATE INDEX ix_job_list ON job (objective, created_at DESC, id DESC);
CREATE INDEX ix_job_list_by_status ON job (objective, status, created_at DESC, id DESC);
CREATE INDEX ix_job_queue ON job (status, held, priority DESC, place, id);
CREATE TRIGGER job_search_insert AFTER INSERT ON job BEGIN INSERT INTO job_search(rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES (new.rowid, new.id, new.display_name, new.output_name, new.dataset_name, new.created_by_email, new.created_by_name); END;
CREATE TRIGGER job_search_delete AFTER DELETE ON job BEGIN INSERT INTO job_search(job_search, rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES ('delete', old.rowid, old.id, old.display_name, old.output_name, old.dataset_name, old.created_by_email, old.created_by_name); END;
CREATE TRIGGER job_search_update AFTER UPDATE OF id, display_name, output_name, dataset_name, created_by_email, created_by_name ON job BEGIN INSERT INTO job_search(job_search, rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES ('delete', old.rowid, old.id, old.display_name, old.output_name, old.dataset_name, old.created_by_email, old.created_by_name); INSERT INTO job_search(rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES (new.rowid, new.id, new.display_name, new.output_name, new.dataset_name, new.created_by_email, new.created_by_name); END;
INSERT INTO job_search(job_search) VALUES ('rebuild');
COMMIT;
