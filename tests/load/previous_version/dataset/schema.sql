CREATE SCHEMA shop_data;
CREATE TABLE shop_data.addresses(id BIGINT NOT NULL, city VARCHAR, "at" TIMESTAMP WITH TIME ZONE, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.customers(id BIGINT NOT NULL, "name" VARCHAR, updated_at TIMESTAMP WITH TIME ZONE, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.invoices(id BIGINT NOT NULL, "at" TIMESTAMP WITH TIME ZONE, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.movements(id BIGINT NOT NULL, "at" TIMESTAMP WITH TIME ZONE, price DOUBLE, size__width BIGINT, size__height BIGINT, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.movements__labels("value" VARCHAR, _dlt_parent_id VARCHAR NOT NULL, _dlt_list_idx BIGINT NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.movements__parts("name" VARCHAR, count BIGINT, _dlt_parent_id VARCHAR NOT NULL, _dlt_list_idx BIGINT NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.notes(id BIGINT NOT NULL, "at" TIMESTAMP WITH TIME ZONE, note VARCHAR, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.orders(id BIGINT NOT NULL, "at" TIMESTAMP WITH TIME ZONE, note VARCHAR, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.orders__lines(sku VARCHAR, count BIGINT, _dlt_root_id VARCHAR NOT NULL, _dlt_parent_id VARCHAR NOT NULL, _dlt_list_idx BIGINT NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.payments(id BIGINT NOT NULL, "at" TIMESTAMP WITH TIME ZONE, note VARCHAR, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.products(id BIGINT NOT NULL, "at" TIMESTAMP WITH TIME ZONE, price DOUBLE, size__width BIGINT, size__height BIGINT, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.products__labels("value" VARCHAR, _dlt_root_id VARCHAR NOT NULL, _dlt_parent_id VARCHAR NOT NULL, _dlt_list_idx BIGINT NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.products__parts("name" VARCHAR, count BIGINT, _dlt_root_id VARCHAR NOT NULL, _dlt_parent_id VARCHAR NOT NULL, _dlt_list_idx BIGINT NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data.visits(id BIGINT NOT NULL, "at" TIMESTAMP WITH TIME ZONE, note VARCHAR, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data._dlt_loads(load_id VARCHAR NOT NULL, schema_name VARCHAR, status BIGINT NOT NULL, inserted_at TIMESTAMP WITH TIME ZONE NOT NULL, schema_version_hash VARCHAR);
CREATE TABLE shop_data._dlt_pipeline_state("version" BIGINT NOT NULL, engine_version BIGINT NOT NULL, pipeline_name VARCHAR NOT NULL, state VARCHAR NOT NULL, created_at TIMESTAMP WITH TIME ZONE NOT NULL, version_hash VARCHAR, _dlt_load_id VARCHAR NOT NULL, _dlt_id VARCHAR NOT NULL);
CREATE TABLE shop_data._dlt_version("version" BIGINT NOT NULL, engine_version BIGINT NOT NULL, inserted_at TIMESTAMP WITH TIME ZONE NOT NULL, schema_name VARCHAR NOT NULL, version_hash VARCHAR NOT NULL, "schema" VARCHAR NOT NULL);

