BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('0007');
CREATE TABLE dataset (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	sha256 VARCHAR NOT NULL, 
	source_format VARCHAR NOT NULL, 
	rows INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	characters INTEGER NOT NULL, 
	created_by_name VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, family VARCHAR DEFAULT '' NOT NULL, version INTEGER DEFAULT '1' NOT NULL, parent_id VARCHAR DEFAULT '' NOT NULL, made_by VARCHAR DEFAULT '' NOT NULL, description VARCHAR DEFAULT '' NOT NULL, tags JSON DEFAULT '[]' NOT NULL, visibility VARCHAR(32) DEFAULT 'everyone' NOT NULL, kind VARCHAR(32) DEFAULT 'supervised' NOT NULL, source_name VARCHAR DEFAULT '' NOT NULL, errors INTEGER DEFAULT '0' NOT NULL, warnings INTEGER DEFAULT '0' NOT NULL, created_by_email VARCHAR DEFAULT '' NOT NULL, trashed_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO dataset VALUES ('ds-6590104c3b94', 'Customer Support Starter', '6590104c3b94a9c7e64368f992d4f6d6467740aa83d2bc830d36f98e5478458a', 'chat', 150, 50608, 37194, 'Alice', '2026-11-22 12:08:37.401522', 'ds-6590104c3b94', 1, '', '', '', '[]', 'everyone', 'supervised', 'examples/support.jsonl', 0, 0, 'alice@example.org', NULL);
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
INSERT INTO draft VALUES ('sft', '{"model": "tiny", "display_name": "Half typed"}', '2026-11-22 12:08:37.337534');
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
	health VARCHAR DEFAULT '' NOT NULL, device VARCHAR DEFAULT 'cpu' NOT NULL, devices INTEGER DEFAULT '1' NOT NULL, memory_bytes BIGINT DEFAULT '0' NOT NULL, evaluation_dataset_id VARCHAR DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO job VALUES ('done-1', 'sft', 'lora', 'The completed one', 'ft-20261122-120837-fc485b', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 12:08:37.459079', '2026-11-22 12:08:37.542923', '2026-11-22 12:08:37.542923', 'completed', 1, '791159bd3e2cb40a9ebd0de25770bd75', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79534931752148199084e+09, 0, -1, '', 'cpu', 1, 780176292, '');
INSERT INTO job VALUES ('failed-1', 'sft', 'lora', 'The failed one', 'ft-20261122-120837-43a1df', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 12:08:37.590053', '2026-11-22 12:08:37.635487', '2026-11-22 12:08:37.635487', 'failed', 1, '7326a8b4497e88a99682da9d2a265f6f', 0, '', 'oom_gpu', 'The GPU''s memory was full.', 'CUDA …', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79534931762628793719e+09, 0, -1, '', 'cpu', 1, 780176292, '');
INSERT INTO job VALUES ('cancelled-1', 'sft', 'lora', 'The cancelled one', 'ft-20261122-120837-f757fc', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 12:08:37.671879', NULL, '2026-11-22 12:08:37.862251', 'cancelled', 0, '', 0, '', NULL, 'Cancelled by Alice.', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79534931784954595573e+09, 0, -1, '', 'cpu', 1, 780176292, '');
INSERT INTO job VALUES ('running-1', 'sft', 'lora', 'The running one', 'ft-20261122-120837-8910ec', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 12:08:37.898202', '2026-11-22 12:08:37.955023', NULL, 'running', 1, '635d012040176fc5ff2141dda4946f00', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79534931794252300267e+09, 0, -1, '', 'cpu', 1, 780176292, '');
INSERT INTO job VALUES ('waits-1', 'sft', 'lora', 'The queued one', 'ft-20261122-120837-7c763f', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 12:08:37.999766', NULL, NULL, 'queued', 0, '', 0, '', NULL, '', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79534931803611111636e+09, 0, -1, '', 'cpu', 1, 780176292, '');
CREATE TABLE lease (
	device_uuid VARCHAR NOT NULL, 
	job_id VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	token VARCHAR NOT NULL, 
	PRIMARY KEY (device_uuid)
);
INSERT INTO lease VALUES ('cpu', 'running-1', 1, '635d012040176fc5ff2141dda4946f00');
CREATE TABLE deployment (
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	target_id VARCHAR NOT NULL, 
	step INTEGER NOT NULL, 
	wanted BOOLEAN NOT NULL, 
	message VARCHAR NOT NULL, 
	created_by_name VARCHAR NOT NULL, 
	created_by_email VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
CREATE VIRTUAL TABLE job_search USING fts5(id, display_name, output_name, dataset_name, created_by_email, created_by_name, content='job', content_rowid='rowid', tokenize='trigram');
CREATE INDEX ix_dataset_created_at ON dataset (created_at);
CREATE INDEX ix_dataset_name ON dataset (name);
CREATE INDEX ix_job_list ON job (objective, created_at DESC, id DESC);
CREATE INDEX ix_job_list_by_status ON job (objective, status, created_at DESC, id DESC);
CREATE INDEX ix_job_queue ON job (status, held, priority DESC, place, id);
CREATE TRIGGER job_search_insert AFTER INSERT ON job BEGIN INSERT INTO job_search(rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES (new.rowid, new.id, new.display_name, new.output_name, new.dataset_name, new.created_by_email, new.created_by_name); END;
CREATE TRIGGER job_search_delete AFTER DELETE ON job BEGIN INSERT INTO job_search(job_search, rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES ('delete', old.rowid, old.id, old.display_name, old.output_name, old.dataset_name, old.created_by_email, old.created_by_name); END;
CREATE TRIGGER job_search_update AFTER UPDATE OF id, display_name, output_name, dataset_name, created_by_email, created_by_name ON job BEGIN INSERT INTO job_search(job_search, rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES ('delete', old.rowid, old.id, old.display_name, old.output_name, old.dataset_name, old.created_by_email, old.created_by_name); INSERT INTO job_search(rowid, id, display_name, output_name, dataset_name, created_by_email, created_by_name) VALUES (new.rowid, new.id, new.display_name, new.output_name, new.dataset_name, new.created_by_email, new.created_by_name); END;
CREATE INDEX ix_lease_job_id ON lease (job_id);
CREATE INDEX ix_dataset_family ON dataset (family);
CREATE INDEX ix_dataset_sha256 ON dataset (sha256);
CREATE INDEX ix_job_dataset ON job (dataset_id);
CREATE INDEX ix_job_evaluation_dataset ON job (evaluation_dataset_id);
CREATE UNIQUE INDEX ix_deployment_name ON deployment (name);
CREATE INDEX ix_deployment_target_id ON deployment (target_id);
INSERT INTO job_search(job_search) VALUES ('rebuild');
COMMIT;
