CREATE SEQUENCE "public"."es_cart_ids" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 101 CACHE 1;--> statement-breakpoint
CREATE TABLE "outbox_snapshots" (
	"aggregatetype" text NOT NULL,
	"aggregateid" text NOT NULL,
	"stateversion" integer NOT NULL,
	"version" bigint NOT NULL,
	"state" jsonb NOT NULL,
	"taken_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "outbox_snapshots_pk" PRIMARY KEY("aggregatetype","aggregateid","stateversion","version")
);
