--
-- PostgreSQL database dump
--

\restrict q7VztpqsbR328bc58kzuXfRDqQ9hJM5LKBfrHHDnHGp7xSoKdjG0uviyWkFXDjj

-- Dumped from database version 17.10
-- Dumped by pg_dump version 17.10

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: app; Type: DATABASE; Schema: -; Owner: app_prod
--

CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';


ALTER DATABASE app OWNER TO app_prod;

\unrestrict q7VztpqsbR328bc58kzuXfRDqQ9hJM5LKBfrHHDnHGp7xSoKdjG0uviyWkFXDjj
\connect app
\restrict q7VztpqsbR328bc58kzuXfRDqQ9hJM5LKBfrHHDnHGp7xSoKdjG0uviyWkFXDjj

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: app_prod
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


ALTER TABLE public.alembic_version OWNER TO app_prod;

--
-- Name: sso_sessions; Type: TABLE; Schema: public; Owner: app_prod
--

CREATE TABLE public.sso_sessions (
    id integer NOT NULL,
    user_id integer NOT NULL,
    session_token character varying(512) NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ip_address character varying(45),
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.sso_sessions OWNER TO app_prod;

--
-- Name: sso_sessions_id_seq; Type: SEQUENCE; Schema: public; Owner: app_prod
--

CREATE SEQUENCE public.sso_sessions_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public.sso_sessions_id_seq OWNER TO app_prod;

--
-- Name: sso_sessions_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: app_prod
--

ALTER SEQUENCE public.sso_sessions_id_seq OWNED BY public.sso_sessions.id;


--
-- Name: users; Type: TABLE; Schema: public; Owner: app_prod
--

CREATE TABLE public.users (
    id integer NOT NULL,
    email character varying(255) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


ALTER TABLE public.users OWNER TO app_prod;

--
-- Name: users_id_seq; Type: SEQUENCE; Schema: public; Owner: app_prod
--

CREATE SEQUENCE public.users_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public.users_id_seq OWNER TO app_prod;

--
-- Name: users_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: app_prod
--

ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id;


--
-- Name: sso_sessions id; Type: DEFAULT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.sso_sessions ALTER COLUMN id SET DEFAULT nextval('public.sso_sessions_id_seq'::regclass);


--
-- Name: users id; Type: DEFAULT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.users ALTER COLUMN id SET DEFAULT nextval('public.users_id_seq'::regclass);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: sso_sessions sso_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.sso_sessions
    ADD CONSTRAINT sso_sessions_pkey PRIMARY KEY (id);


--
-- Name: sso_sessions sso_sessions_session_token_key; Type: CONSTRAINT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.sso_sessions
    ADD CONSTRAINT sso_sessions_session_token_key UNIQUE (session_token);


--
-- Name: users users_email_key; Type: CONSTRAINT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: sso_sessions sso_sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: app_prod
--

ALTER TABLE ONLY public.sso_sessions
    ADD CONSTRAINT sso_sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--

\unrestrict q7VztpqsbR328bc58kzuXfRDqQ9hJM5LKBfrHHDnHGp7xSoKdjG0uviyWkFXDjj

--
-- PostgreSQL database dump
--

\restrict WsknaPwkyi4K8ybwDWA8zRwcSRxLQmjo6L8WeHmJaFNb2S1fj1oZdnarVcsq6iX

-- Dumped from database version 17.10
-- Dumped by pg_dump version 17.10

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: public; Owner: app_prod
--

COPY public.alembic_version (version_num) FROM stdin;
z51
\.


--
-- PostgreSQL database dump complete
--

\unrestrict WsknaPwkyi4K8ybwDWA8zRwcSRxLQmjo6L8WeHmJaFNb2S1fj1oZdnarVcsq6iX

