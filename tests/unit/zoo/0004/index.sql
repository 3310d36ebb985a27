BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('0004');
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
INSERT INTO dataset VALUES ('ds-f66620658f64', 'Customer Support Starter', 'f66620658f64bea54a32c57881e8cc6993d270dbd84bb8fb7db2f5455dbd6bb5', 'chat', 150, 50608, 37194, 'Alice', '2026-11-22 04:58:48.595517');
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
INSERT INTO draft VALUES ('sft', '{"model": "tiny", "display_name": "Half typed"}', '2026-11-22 04:58:48.582738');
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
	health VARCHAR DEFAULT '' NOT NULL, device VARCHAR DEFAULT 'cpu' NOT NULL, devices INTEGER DEFAULT '1' NOT NULL, memory_bytes BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO job VALUES ('done-1', 'sft', 'lora', 'The completed one', 'ft-20261122-045848-e8ba25', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:48.614385', '2026-11-22 04:58:48.629800', '2026-11-22 04:58:48.629800', 'completed', 1, '70a0abadcc1b63ec4114c69f3c60be16', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.7953235286203138828e+09, 0, -1, '', 'cpu', 1, 31130752);
INSERT INTO job VALUES ('failed-1', 'sft', 'lora', 'The failed one', 'ft-20261122-045848-cc5631', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:48.644379', '2026-11-22 04:58:48.655430', '2026-11-22 04:58:48.655430', 'failed', 1, 'd886ec39d5848b9ae35b18c8fdea1796', 0, '', 'oom_gpu', 'The GPU''s memory was full.', 'CUDA …', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532352865154409401e+09, 0, -1, '', 'cpu', 1, 31130752);
INSERT INTO job VALUES ('cancelled-1', 'sft', 'lora', 'The cancelled one', 'ft-20261122-045848-4175b8', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:48.669721', NULL, '2026-11-22 04:58:48.679891', 'cancelled', 0, '', 0, '', NULL, 'Cancelled by Alice.', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79532352867644906047e+09, 0, -1, '', 'cpu', 1, 31130752);
INSERT INTO job VALUES ('running-1', 'sft', 'lora', 'The running one', 'ft-20261122-045848-013fea', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:48.687578', '2026-11-22 04:58:48.700833', NULL, 'running', 1, 'bd40c95e5fcf15490cba624c74c5f66d', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532352869556903842e+09, 0, -1, '', 'cpu', 1, 31130752);
INSERT INTO job VALUES ('waits-1', 'sft', 'lora', 'The queued one', 'ft-20261122-045848-a3b9d3', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:48.716813', NULL, NULL, 'queued', 0, '', 0, '', NULL, '', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79532352872433495528e+09, 0, -1, '', 'cpu', 1, 31130752);
CREATE TABLE lease (
	device_uuid VARCHAR NOT NULL, 
	job_id VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	token VARCHAR NOT NULL, 
	PRIMARY KEY (device_uuid)
);
INSERT INTO lease VALUES ('cpu', 'running-1', 1, 'bd40c95e5fcf15490cba624c74c5f66d');
CREATE VIRTUAL TABLE job_search USING fts5(id, display_name, output_name, dataset_name, created_by_email, created_by_name, content='job', content_rowid='rowid', tokenize='trigram');
CREATE UNIQUE INDEX ix_dataset_sha256 ON dataset (sha256);
CREATE INDEX ix_dataset_name ON dataset (name);
CREATE INDEX ix_dataset_created_at ON dataset (created_at);
CREATE INDEX ix_job_list ON job (objective, created_at DESC, id DESC);
CREATE INDEX ix_job_list_by_status ON job (objective, status, created_at DESC, id DESC);
CREATE INDEX ix_job_queue ON job (status, held, priority DESC, place, id);
CREATE TRIGGER job_search_insert AFTER INSERT ON job BEGIN INSERT INTO job_search(rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES (new.rowid, new.id, new.display_name, new.output_name, new.dataset_name, new.created_by_email, new.created_by_name); END;
CREATE TRIGGER job_search_delete AFTER DELETE ON job BEGIN INSERT INTO job_search(job_search, rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES ('delete', old.rowid, old.id, old.display_name, old.output_name, old.dataset_name, old.created_by_email, old.created_by_name); END;
CREATE TRIGGER job_search_update AFTER UPDATE OF id, display_name, output_name, dataset_name, created_by_email, created_by_name ON job BEGIN INSERT INTO job_search(job_search, rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES ('delete', old.rowid, old.id, old.display_name, old.output_name, old.dataset_name, old.created_by_email, old.created_by_name); INSERT INTO job_search(rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES (new.rowid, new.id, new.display_name, new.output_name, new.dataset_name, new.created_by_email, new.created_by_name); END;
CREATE INDEX ix_lease_job_id ON lease (job_id);
INSERT INTO job_search(job_search) VALUES ('rebuild');
COMMIT;
