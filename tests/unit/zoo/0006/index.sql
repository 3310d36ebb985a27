BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('0006');
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
INSERT INTO dataset VALUES ('ds-6590104c3b94', 'Customer Support Starter', '6590104c3b94a9c7e64368f992d4f6d6467740aa83d2bc830d36f98e5478458a', 'chat', 150, 50608, 37194, 'Alice', '2026-11-22 06:13:27.892115', 'ds-6590104c3b94', 1, '', '', '', '[]', 'everyone', 'supervised', 'examples/support.jsonl', 0, 0, 'alice@example.org', NULL);
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
INSERT INTO draft VALUES ('sft', '{"model": "tiny", "display_name": "Half typed"}', '2026-11-22 06:13:24.192437');
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
INSERT INTO job VALUES ('done-1', 'sft', 'lora', 'The completed one', 'ft-20261122-061328-9c45ac', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 06:13:28.027895', '2026-11-22 06:13:28.236035', '2026-11-22 06:13:28.236035', 'completed', 1, '8b70770802dbaeef1f2f1d2df2d36d0b', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532800812005400659e+09, 0, -1, '', 'cpu', 1, 660276352, '');
INSERT INTO job VALUES ('failed-1', 'sft', 'lora', 'The failed one', 'ft-20261122-061328-1e73d6', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 06:13:28.467708', '2026-11-22 06:13:28.527846', '2026-11-22 06:13:28.527846', 'failed', 1, '912bb5186ae544ec9b59610deba974b9', 0, '', 'oom_gpu', 'The GPU''s memory was full.', 'CUDA …', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532800851662802696e+09, 0, -1, '', 'cpu', 1, 660276352, '');
INSERT INTO job VALUES ('cancelled-1', 'sft', 'lora', 'The cancelled one', 'ft-20261122-061328-499bb9', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 06:13:28.659347', NULL, '2026-11-22 06:13:28.719367', 'cancelled', 0, '', 0, '', NULL, 'Cancelled by Alice.', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79532800871378207209e+09, 0, -1, '', 'cpu', 1, 660276352, '');
INSERT INTO job VALUES ('running-1', 'sft', 'lora', 'The running one', 'ft-20261122-061328-d7e807', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 06:13:28.748617', '2026-11-22 06:13:28.819683', NULL, 'running', 1, '6e743121e060e73adfe6da6c76357036', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532800880076289177e+09, 0, -1, '', 'cpu', 1, 660276352, '');
INSERT INTO job VALUES ('waits-1', 'sft', 'lora', 'The queued one', 'ft-20261122-061328-016c0e', 'tiny', 'Tiny', 'ds-6590104c3b94', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 06:13:28.975370', NULL, NULL, 'queued', 0, '', 0, '', NULL, '', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1795328009.08149, 0, -1, '', 'cpu', 1, 660276352, '');
CREATE TABLE lease (
	device_uuid VARCHAR NOT NULL, 
	job_id VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	token VARCHAR NOT NULL, 
	PRIMARY KEY (device_uuid)
);
INSERT INTO lease VALUES ('cpu', 'running-1', 1, '6e743121e060e73adfe6da6c76357036');
CREATE VIRTUAL TABLE job_search USING fts5(id, display_name, output_name, dataset_name, created_by_email, created_by_name, content='job', content_rowid='rowid', tokenize='trigram');
CREATE INDEX ix_dataset_name ON dataset (name);
CREATE INDEX ix_dataset_created_at ON dataset (created_at);
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
INSERT INTO job_search(job_search) VALUES ('rebuild');
COMMIT;
