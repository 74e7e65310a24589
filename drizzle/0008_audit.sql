CREATE TABLE "audit_log" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "audit_log_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"at" timestamp(6) with time zone DEFAULT clock_timestamp() NOT NULL,
	"actor_kind" text collate "C" NOT NULL,
	"actor_user" text collate "C",
	"actor_project" text collate "C",
	"actor_roles" text[] collate "C" DEFAULT '{}' NOT NULL,
	"request_id" text collate "C",
	"action" text collate "C" NOT NULL,
	"result" text collate "C" DEFAULT 'done' NOT NULL,
	"object_type" text collate "C" NOT NULL,
	"object_id" text collate "C",
	"object_name" text collate "C",
	"object_owner" text collate "C",
	"changes" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"message" text collate "C",
	"times" integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
ALTER TABLE "uploads" ADD COLUMN "begun_by" jsonb DEFAULT '{"kind":"link","user":null,"project":null,"roles":[],"requestId":null}'::jsonb NOT NULL;--> statement-breakpoint
CREATE INDEX "audit_log_at" ON "audit_log" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "audit_log_object" ON "audit_log" USING btree ("object_id","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_owner" ON "audit_log" USING btree ("object_owner","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_user" ON "audit_log" USING btree ("actor_user","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_project" ON "audit_log" USING btree ("actor_project","at","id");--> statement-breakpoint
CREATE INDEX "audit_log_request" ON "audit_log" USING btree ("request_id");
--> statement-breakpoint
-- Entries stay as they are. Only those go that are older than the transaction says entries are kept (vitrine.audit_before).
create function vitrine_audit_kept() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if old.at < nullif(current_setting('vitrine.audit_before', true), '')::timestamptz then return old; end if;
  end if;
  raise exception 'audit_log is only added to' using errcode = 'insufficient_privilege';
end $$;
--> statement-breakpoint
create trigger audit_log_kept before update or delete on audit_log for each row execute function vitrine_audit_kept();
--> statement-breakpoint
create trigger audit_log_kept_whole before truncate on audit_log for each statement execute function vitrine_audit_kept();
