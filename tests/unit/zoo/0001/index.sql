BEGIN;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('0001');
CREATE TABLE job (
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
	PRIMARY KEY (id)
);
INSERT INTO job VALUES ('done-1', 'sft', 'lora', 'The completed one', 'ft-20261122-045844-1be47d', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:44.902178', '2026-11-22 04:58:44.915333', '2026-11-22 04:58:44.915333', 'completed', 1, 'ec960058be7e9c77350eaa8b31e17432', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL);
INSERT INTO job VALUES ('failed-1', 'sft', 'lora', 'The failed one', 'ft-20261122-045845-46545e', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:45.024544', '2026-11-22 04:58:45.031590', '2026-11-22 04:58:45.031590', 'failed', 1, '24c9fdd6282dadb2cfdc236ddeeeb27f', 0, '', 'oom_gpu', 'The GPU''s memory was full.', 'CUDA …', 1, 0.0, 3, 4, 1.5, NULL);
INSERT INTO job VALUES ('cancelled-1', 'sft', 'lora', 'The cancelled one', 'ft-20261122-045845-915d1b', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:45.040969', NULL, '2026-11-22 04:58:45.047144', 'cancelled', 0, '', 0, '', NULL, 'Cancelled by Alice.', '', 1, 0.0, 0, 0, NULL, NULL);
INSERT INTO job VALUES ('running-1', 'sft', 'lora', 'The running one', 'ft-20261122-045845-fc84d6', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:45.051129', '2026-11-22 04:58:45.057988', NULL, 'running', 1, '4a93dbdfad212b4a2b022064ee3ded74', 0, '', NULL, '', '', 1, 0.0, 3, 4, 1.5, NULL);
INSERT INTO job VALUES ('waits-1', 'sft', 'lora', 'The queued one', 'ft-20261122-045845-9cf80f', 'tiny', 'Tiny', 'ds-f66620658f64', 'Customer Support Starter', 'Alice', 'alice@example.org', '2026-11-22 04:58:45.077690', NULL, NULL, 'queued', 0, '', 0, '', NULL, '', '', 1, 0.0, 0, 0, NULL, NULL);
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
INSERT INTO dataset VALUES ('ds-f66620658f64', 'Customer Support Starter', 'f66620658f64bea54a32c57881e8cc6993d270dbd84bb8fb7db2f5455dbd6bb5', 'chat', 150, 50608, 37194, 'Alice', '2026-11-22 04:58:44.892114');
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
INSERT INTO draft VALUES ('sft', '{"model": "tiny", "display_name": "Half typed"}', '2026-11-22 04:58:44.883368');
CREATE INDEX ix_job_status ON job (status);
CREATE INDEX ix_job_objective ON job (objective);
CREATE INDEX ix_job_created_at ON job (created_at);
CREATE INDEX ix_dataset_name ON dataset (name);
CREATE INDEX ix_dataset_created_at ON dataset (created_at);
CREATE UNIQUE INDEX ix_dataset_sha256 ON dataset (sha256);
COMMIT;
