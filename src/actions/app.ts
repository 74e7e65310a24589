/** What actions work with: built once in `server.ts`; a test passes its own. */
import type { Logger } from 'pino';
import type { HashPool } from '../bytes/hash-pool.ts';
import type { Room } from '../bytes/inspect/room.ts';
import type { Converter } from '../convert/converter.ts';
import type { Database } from '../db/client.ts';
import type { HotProperties } from '../db/hot-properties.ts';
import type { Catalog } from '../db/image-scope.ts';
import type { VocabularyCache } from '../db/metadef/vocabulary.ts';
import type { ImportMethodName } from '../domain/import.ts';
import type { FormatPolicy } from '../domain/inspection.ts';
import type { MetadefMode } from '../domain/metadef/metadef.ts';
import type { Policy } from '../domain/policy.ts';
import type { PropertyProtection } from '../domain/property-protection.ts';
import type { Limits } from '../domain/quota.ts';
import type { Stores } from '../stores/all.ts';
import type { Egress } from '../stores/egress/egress.ts';
import type { RemoteImages } from '../stores/glance/remote-images.ts';
import type { UnifiedLimits } from '../stores/unified-limits.ts';
import type { Signatures } from '../trust/signatures.ts';
import type { Denials } from './denials.ts';

export interface App {
  readonly db: Database;
  readonly stores: Stores;
  readonly hashes: HashPool;
  readonly limits: {
    /** Bytes of one image. */
    readonly imageSizeMax: number;
    /** Imports of one project that are not over; null: as many as it likes. */
    readonly imports: number | null;
  };
  readonly quotas: {
    /** Of projects that have none of their own. */
    readonly defaults: Limits;
    /** Null: limits are kept here. */
    readonly unified: UnifiedLimits | null;
  };
  /** Whether images of /v2 show where their bytes are: all the URLs, or that of the copy that is read first. */
  readonly locations: { readonly showMultiple: boolean; readonly showDirectUrl: boolean };
  /** What bytes may be published. */
  readonly formats: FormatPolicy;
  /** How much may be held at once of the bytes that are looked at, in this process. */
  readonly inspecting: { readonly captures: Room; readonly unpacking: Room };
  /** Null: the settings name no trusted roots, and no signature is checked. */
  readonly signatures: Signatures | null;
  /** Who may do what. */
  readonly policy: Policy;
  /** Who may do what with which custom properties; null: who may change an image may do all. */
  readonly protection: PropertyProtection | null;
  readonly search: Catalog['search'] & {
    readonly hot: HotProperties;
    /** Properties that free text looks into, beside names and tags. */
    readonly describing: readonly string[];
  };
  readonly metadefs: {
    readonly mode: MetadefMode;
    readonly vocabulary: VocabularyCache;
  };
  readonly imports: {
    /** Those that are on, and for which all there is to know is in the settings. */
    readonly methods: readonly ImportMethodName[];
    /** Null: disks stay in their formats. */
    readonly converter: Converter | null;
    /** Where conversions have their private directories, on this machine. */
    readonly workFolder: string;
    readonly decompress: { readonly enabled: boolean; readonly ratioMax: number };
    /** Images of other regions; null: the settings name no Keystone. */
    readonly remoteImages: RemoteImages | null;
  };
  /** The way out to URLs that users name. */
  readonly egress: Egress;
  readonly scrub: {
    /** How often sizes are looked at; null: never. */
    readonly sizesMs: number | null;
    /** How old the last reading of a copy may be; null: as old as it likes. */
    readonly deepMs: number | null;
    /** Bytes a second that scrubbing reads. */
    readonly rate: number;
    /** Bytes a second that digests are made with. */
    readonly digestRate: number;
  };
  readonly audit: {
    /** Older entries of the audit log go; null: none do. */
    readonly retentionDays: number | null;
  };
  readonly denials: Denials;
  /** Signs transfer targets; the same on every server of the installation. */
  readonly signingKey: string;
  readonly now: () => Date;
  readonly log: Logger;
}
