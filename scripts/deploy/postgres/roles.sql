-- Two roles and a database: cadans_owner makes and changes tables (`cadans db upgrade`, `cadans restore`),
-- cadans reads and writes rows and can do nothing else. As the superuser, once:
--   psql -v owner_password=… -v password=… -f roles.sql
-- Then CADANS_DATABASE_URL names cadans; for upgrades it names cadans_owner.
\set ON_ERROR_STOP on
CREATE ROLE cadans_owner LOGIN PASSWORD :'owner_password' CONNECTION LIMIT 10;
CREATE ROLE cadans LOGIN PASSWORD :'password';
CREATE DATABASE cadans OWNER cadans_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE ALL ON DATABASE cadans FROM PUBLIC;
GRANT CONNECT ON DATABASE cadans TO cadans;

\connect cadans
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO cadans_owner;
GRANT USAGE ON SCHEMA public TO cadans;
-- Of the tables that a later release adds, too.
ALTER DEFAULT PRIVILEGES FOR ROLE cadans_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cadans;
ALTER DEFAULT PRIVILEGES FOR ROLE cadans_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO cadans;
ALTER DEFAULT PRIVILEGES FOR ROLE cadans_owner IN SCHEMA public
    GRANT USAGE ON TYPES TO cadans;
-- Functions of the queue's engine: whoever may connect may call them, with the rights of the caller.
ALTER DEFAULT PRIVILEGES FOR ROLE cadans_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE cadans_owner IN SCHEMA public
    GRANT EXECUTE ON FUNCTIONS TO cadans;
