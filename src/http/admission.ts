/**
 * Who is let in, and how often: the rates and numbers of `limits`, counted in this process, before any work is done. A
 * project pays for the requests of its tokens; an address for those of which no project is known.
 */
import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TokenBucket } from 'limiter';
import { LRUCache } from 'lru-cache';
import { addressOf, innermost } from '../domain/address.ts';
import type { Caller } from '../domain/caller.ts';
import { RateLimitedError, UnauthenticatedError } from '../domain/errors.ts';

/** Null: no limit. */
export interface AdmissionLimits {
  requestsPerSecond: number | null;
  createsPerMinute: number | null;
  importsPerMinute: number | null;
  uploads: number | null;
  downloads: number | null;
}

/** Whose bucket it is: a project's or an address's. */
export type Payer = `project ${string}` | `address ${string}`;
type Rate = 'requests' | 'creates' | 'imports';
type Transfer = 'uploads' | 'downloads';
type Authenticate = (headers: IncomingHttpHeaders) => Promise<Caller>;

export interface Admission {
  /** Refuses requests to the routes that are added from now on, before anything of them is read. */
  guard(http: FastifyInstance): void;
  /** The same authentication; what it finds decides who pays. */
  watching(authenticate: Authenticate): Authenticate;
  payerOf(request: FastifyRequest, caller: Caller): Payer;
  /** @throws RateLimitedError there are not that many left */
  take(payer: Payer, rate: Exclude<Rate, 'requests'>, count: number): void;
  /** What a GraphQL operation costs beyond its request: owed, where it is more than there is. */
  charge(payer: Payer, cost: number): void;
  /** Until what it gives is called, once or more often. @throws RateLimitedError as many are under way as may be */
  begin(payer: Payer, transfer: Transfer): () => void;
}

/** Projects, addresses and tokens that are kept in mind, each; who was not heard of the longest begins anew. */
const keptMax = 20_000;
/** So many seconds' worth of requests may come at once. */
export const burstSeconds = 4;
/** So much of GraphQL's cost is as much as one more request. */
export const costOfRequest = 100;
/** A transfer takes its time: there is no telling when the next one is done. */
const transferRetrySeconds = 5;

const exempt = new Set(['/healthz', '/readyz', '/healthcheck', '/metrics']);

/** `refused` hears of every refusal, by the limit's name. */
export function openAdmission(limits: AdmissionLimits, refused: (limit: string) => void): Admission {
  const { requestsPerSecond, createsPerMinute, importsPerMinute } = limits;
  const rates: Record<Rate, Buckets | null> = {
    requests: buckets(requestsPerSecond, burstSeconds, 1_000),
    creates: buckets(createsPerMinute, 1, 60_000),
    imports: buckets(importsPerMinute, 1, 60_000),
  };
  const words: Record<Rate, string> = {
    requests: `${requestsPerSecond} requests a second`,
    creates: `${createsPerMinute} new images a minute`,
    imports: `${importsPerMinute} imports a minute`,
  };
  const projects = new LRUCache<string, string>({ max: keptMax });
  const charged = new WeakMap<IncomingHttpHeaders, Payer>();
  const running: Record<Transfer, Map<Payer, number>> = { uploads: new Map(), downloads: new Map() };

  function refusal(limit: string, message: string, retryAfterSeconds: number): RateLimitedError {
    refused(limit);
    return new RateLimitedError(message, Math.max(1, Math.ceil(retryAfterSeconds)));
  }

  function take(payer: Payer, rate: Rate, count: number): void {
    const bucket = count > 0 ? rates[rate]?.of(payer) : undefined;
    if (!bucket || bucket.tryRemoveTokens(count)) return;
    const isPossible = count <= bucket.bucketSize;
    const seconds = isPossible ? bucket.getWaitTime(count) / 1000 : 60;
    const way = isPossible ? 'try again later' : `send fewer than ${count} at once`;
    throw refusal(rate, `${shown(payer)} may send ${words[rate]}; ${way}.`, seconds);
  }

  function chargeTo(headers: IncomingHttpHeaders, address: string): void {
    const project = projects.get(tokenKey(headers));
    const payer: Payer = project === undefined ? addressPayer(address) : `project ${project}`;
    charged.set(headers, payer);
    take(payer, 'requests', 1);
  }

  /** A good token costs its address nothing, and a new one its project as much as a known one. */
  function settle(headers: IncomingHttpHeaders, { project }: Caller): void {
    const payer = charged.get(headers);
    if (payer === undefined || project === null) return;
    projects.set(tokenKey(headers), project);
    const rightly: Payer = `project ${project}`;
    if (payer === rightly) return;
    charged.set(headers, rightly);
    rates.requests?.giveBack(payer);
    take(rightly, 'requests', 1);
  }

  return {
    guard(http) {
      if (!rates.requests) return;
      http.addHook('onRequest', async (request) => {
        if (request.method === 'OPTIONS' || exempt.has(request.routeOptions.url ?? '')) return;
        chargeTo(request.headers, request.ip);
      });
    },
    watching: (authenticate) => async (headers) => {
      try {
        const caller = await authenticate(headers);
        settle(headers, caller);
        return caller;
      } catch (error) {
        if (error instanceof UnauthenticatedError) projects.delete(tokenKey(headers));
        throw error;
      }
    },
    payerOf: (request, { project }) => (project === null ? addressPayer(request.ip) : `project ${project}`),
    take,
    charge(payer, cost) {
      const bucket = rates.requests?.of(payer);
      if (bucket) bucket.content -= Math.floor(cost / costOfRequest);
    },
    begin(payer, transfer) {
      const most = limits[transfer];
      if (most === null) return () => {};
      const counts = running[transfer];
      const count = counts.get(payer) ?? 0;
      if (count >= most) {
        const message = `${shown(payer)} may have ${most} ${transfer} under way; try again when one of them is done.`;
        throw refusal(transfer, message, transferRetrySeconds);
      }
      counts.set(payer, count + 1);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        const left = (counts.get(payer) ?? 1) - 1;
        if (left > 0) counts.set(payer, left);
        else counts.delete(payer);
      };
    },
  };
}

/** Of what is in no setting: nobody is refused. */
export const openToAll = (): Admission =>
  openAdmission(
    {
      requestsPerSecond: null,
      createsPerMinute: null,
      importsPerMinute: null,
      uploads: null,
      downloads: null,
    },
    () => {},
  );

interface Buckets {
  of(payer: Payer): TokenBucket;
  giveBack(payer: Payer): void;
}

/** Full at first. Projects and addresses apart: however many addresses there are, they push no project out. */
function buckets(perInterval: number | null, burst: number, interval: number): Buckets | null {
  if (perInterval === null) return null;
  const kept = {
    project: new LRUCache<Payer, TokenBucket>({ max: keptMax }),
    address: new LRUCache<Payer, TokenBucket>({ max: keptMax }),
  };
  const of = (payer: Payer) => {
    const all = payer.startsWith('project ') ? kept.project : kept.address;
    let bucket = all.get(payer);
    if (!bucket) {
      const bucketSize = perInterval * burst;
      bucket = new TokenBucket({ bucketSize, tokensPerInterval: perInterval, interval });
      bucket.content = bucketSize;
      all.set(payer, bucket);
    }
    return bucket;
  };
  return {
    of,
    giveBack(payer) {
      const bucket = of(payer);
      bucket.content = Math.min(bucket.bucketSize, bucket.content + 1);
    },
  };
}

/** What a request says of who sends it, whatever that is; no secret is kept. */
const tokenKey = ({ 'x-auth-token': token, authorization }: IncomingHttpHeaders) =>
  hash('sha256', `${token}\n${authorization}`, 'base64');

const shown = (payer: Payer) => (payer.startsWith('project ') ? `Project ${payer.slice(8)}` : 'Your address');

/** Whoever has one address of IPv6 has the 2^64 beside it. */
function addressPayer(ip: string): Payer {
  const address = addressOf(ip);
  if (!address) return `address ${ip}`;
  return `address ${Buffer.from(innermost(address).subarray(0, 8)).toString('hex')}`;
}
