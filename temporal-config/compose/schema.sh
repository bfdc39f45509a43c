#!/bin/sh
# Brings both schemas of Temporal to the version of this image: before the first start and before every upgrade.
set -eu
for database in temporal:temporal temporal_visibility:visibility; do
  name=${database%%:*}
  tool="temporal-sql-tool --plugin postgres12 --ep postgres --port 5432 --user temporal --db $name"
  # Refused, harmlessly, where a schema is there already.
  $tool setup-schema --version 0.0 || true
  $tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/${database##*:}/versioned"
done
