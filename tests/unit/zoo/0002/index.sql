BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('0002');
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
INSERT INTO dataset VALUES ('ds-f66620658f64', 'Customer Support Starter', 'f66620658f64bea54a32c57881e8cc6993d270dbd84bb8fb7db2f5455dbd6bb5', 'chat', 150, 50608, 37194, 'Alice', '2026-11-22 04:58:46.143091');
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
INSERT INTO draft VALUES ('sft', '{"model": "tiny", "display_name": "Half typed"}', '2026-11-22 04:58:46.134846');
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
INSERT INTO job VALUES ('done-1', 'sft', 'lora', 'The completed one', 'ft-20261122-045846-df5efe', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:46.154245', '2026-11-22 04:58:46.167280', '2026-11-22 04:58:46.167280', 'completed', 1, 'cd8b965ca4f42aa74f6deea6c0a558f3', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532352616016197205e+09, 0, -1, '');
INSERT INTO job VALUES ('failed-1', 'sft', 'lora', 'The failed one', 'ft-20261122-045846-c6d308', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:46.180857', '2026-11-22 04:58:46.187778', '2026-11-22 04:58:46.187778', 'failed', 1, '8e09d669d904e8a74b2ef946df4b0a4f', 0, '', 'oom_gpu', 'The GPU''s memory was full.', 'CUDA …', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532352618567609793e+09, 0, -1, '');
INSERT INTO job VALUES ('cancelled-1', 'sft', 'lora', 'The cancelled one', 'ft-20261122-045846-1b084d', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:46.198990', NULL, '2026-11-22 04:58:46.206723', 'cancelled', 0, '', 0, '', NULL, 'Cancelled by Alice.', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79532352620490288737e+09, 0, -1, '');
INSERT INTO job VALUES ('running-1', 'sft', 'lora', 'The running one', 'ft-20261122-045846-bb7889', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:46.210582', '2026-11-22 04:58:46.219734', NULL, 'running', 1, '6c8a8d7f2b9eb99f90dd9308b7f3b765', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL, 0, 0, 0, 1.79532352621633100511e+09, 0, -1, '');
INSERT INTO job VALUES ('waits-1', 'sft', 'lora', 'The queued one', 'ft-20261122-045846-3d3601', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:46.231926', NULL, NULL, 'queued', 0, '', 0, '', NULL, '', '', 1, 0.0, 0, 0, NULL, NULL, 0, 0, 0, 1.79532352623882699013e+09, 0, -1, '');
CREATE UNIQUE INDEX ix_dataset_sha256 ON dataset (sha256);
CREATE INDEX ix_dataset_name ON dataset (name);
CREATE INDEX ix_dataset_created_at ON dataset (created_at);
CREATE INDEX ix_job_objective ON job (objective);
CREATE INDEX ix_job_status ON job (status);
CREATE INDEX ix_job_created_at ON job (created_at);
COMMIT;
