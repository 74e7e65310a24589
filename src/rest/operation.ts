/** What a resource of /v2 is made of: a row of the table of routes, what an operation is asked, and what it answers. */
import type { IncomingHttpHeaders } from 'node:http';
import type { App } from '../actions/app.ts';
import type { Caller } from '../domain/caller.ts';
import type { Admission } from '../http/admission.ts';

/** A request, as far as the frame has read it. */
export interface Ask {
  app: App;
  caller: Caller;
  /** What the path holds in place of `:name`, decoded. */
  params: Readonly<Record<string, string>>;
  /** What stands behind the question mark; a name that comes several times has a list. */
  query: Readonly<Record<string, string | string[]>>;
  headers: IncomingHttpHeaders;
  /** The media type of the body in lower case, without parameters; '' when none was said. */
  mediaType: string;
  /** The JSON that came. Undefined where the operation takes none. */
  json: unknown;
  /** Where this client reaches the service, without a slash at its end. */
  baseUrl: string;
  /** Where only the body says what it is one of. @throws RateLimitedError before anything is done */
  take(rate: Rate, count: number): void;
}

export interface Answer {
  status: number;
  /** Sent as JSON; a text, or bytes, are JSON already. Left out: there is no body. */
  body?: object | string;
  headers?: Record<string, string>;
}

type Rate = Parameters<Admission['take']>[1];

/** What is done by one method on one path. */
export interface Operation {
  /**
   * 'json' takes a JSON body, whatever its type is called, as Glance does; a list only these media types, and refuses
   * others with 415. Left out: a body is refused with 400.
   */
  body?: 'json' | readonly string[];
  /** Answers without a token: as little as a client needs to find the service. */
  isOpen?: boolean;
  /**
   * What the audit log calls it where it is denied: the mutation that does the same. Left out: whoever sees what it is
   * about may ask it.
   */
  action?: string;
  /** What it is one of, where these are limited. */
  rates?: readonly Rate[];
  /** Where /v2 wants another status for an error, or for what is wrong with the input, than `http/problem` has: by its code. */
  statuses?: Readonly<Record<string, number>>;
  run(ask: Ask): Promise<Answer> | Answer;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A path below /v2, such as `/images/:id`, and what can be done there. HEAD comes with GET. */
export interface Resource {
  path: string;
  operations: Partial<Record<Method, Operation>>;
}

export const ok = (body: object | string, headers?: Record<string, string>): Answer => ({
  status: 200,
  body,
  headers,
});

export const noContent: Answer = { status: 204 };
