/**
 * What everybody may do, written by hand from the words of the contract and of OpenStack's rules: it knows nothing of
 * the table in the code, and has to be changed by hand when that changes.
 */
import type { RuleName } from '../../../src/domain/policy-rules.ts';
import type { Facts, Thing, Who } from './world.ts';

export type Verdict = 'unauthenticated' | 'missing' | 'forbidden' | 'through';

const isMine = (who: Who, { owner }: Facts) => owner !== null && owner === who.project;
const mayRead = (who: Who) => who.role === 'reader' || who.role === 'member' || who.role === 'admin';
const mayWrite = (who: Who) => who.role === 'member' || who.role === 'admin';

/** By id: one's own, public and community ones, what is shared whatever one answered, and what nobody owns. */
export function sees(who: Who, thing: Thing): boolean {
  if (thing.is !== 'image' || !mayRead(who)) return false;
  if (who.role === 'admin' || isMine(who, thing) || thing.owner === null) return true;
  if (thing.visibility === 'public' || thing.visibility === 'community') return true;
  return thing.visibility === 'shared' && who.project !== null && who.project in thing.members;
}

/** With everything that can be included: all that is seen by id but what only has no owner. */
export function lists(who: Who, thing: Thing): boolean {
  if (!sees(who, thing)) return false;
  return who.role === 'admin' || thing.owner !== null || ['public', 'community'].includes(thing.visibility);
}

/** With nothing included. */
export function listsAtFirst(who: Who, thing: Thing): boolean {
  if (!lists(who, thing) || thing.hidden) return false;
  if (who.role === 'admin' || isMine(who, thing) || thing.visibility === 'public') return true;
  return thing.visibility === 'shared' && thing.members[who.project ?? ''] === 'accepted';
}

function seesNamespace(who: Who, thing: Thing): boolean {
  if (thing.is !== 'namespace' || !mayRead(who)) return false;
  return who.role === 'admin' || thing.visibility === 'public' || isMine(who, thing);
}

/** Of blue, with the role member, made by somebody else. */
const seesToken = (who: Who, { is }: Thing) =>
  is === 'image' && (who.role === 'admin' || (who.role === 'member' && who.project === 'blue'));

type ByHand = (who: Who, thing: Thing) => Verdict;

const ifSeen =
  (may: (who: Who, thing: Thing) => boolean): ByHand =>
  (who, thing) => {
    if (!sees(who, thing)) return 'missing';
    return may(who, thing) ? 'through' : 'forbidden';
  };
const isAdmin = (who: Who) => who.role === 'admin';
const ownerMay = ifSeen((who, thing) => isAdmin(who) || (mayWrite(who) && isMine(who, thing)));
const adminMay = ifSeen(isAdmin);
/** A service sees no image, and may all the same do this with any that there is. */
const serviceOr =
  (may: (who: Who, thing: Thing) => boolean): ByHand =>
  (who, thing) =>
    who.role === 'service' && thing.is === 'image' ? 'through' : ifSeen(may)(who, thing);
const memberMayDownload = ifSeen((who, { deactivated }) => (deactivated ? isAdmin(who) : mayWrite(who)));

const onImages: Record<RuleName, ByHand> = {
  get_image: ifSeen(() => true),
  download_image: memberMayDownload,
  download_deactivated_image: memberMayDownload,
  // Into blue, whatever the thing is.
  add_image: (who) =>
    isAdmin(who) || (who.role === 'member' && who.project === 'blue') ? 'through' : 'forbidden',
  modify_image: ownerMay,
  change_image_owner: adminMay,
  // What is public already stays so without any right.
  publicize_image: ifSeen(
    (who, thing) => isAdmin(who) || (thing.visibility === 'public' && mayWrite(who) && isMine(who, thing)),
  ),
  communitize_image: ownerMay,
  delete_image: ownerMay,
  upload_image: ownerMay,
  import_image: ownerMay,
  copy_image: adminMay,
  delete_image_location: adminMay,
  add_image_location: serviceOr((who, thing) => isAdmin(who) || (mayWrite(who) && isMine(who, thing))),
  fetch_image_location: serviceOr(isAdmin),
  deactivate: ownerMay,
  reactivate: ownerMay,
  add_member: ownerMay,
  delete_member: ownerMay,
  modify_member: ifSeen(
    (who, { visibility, members }) =>
      isAdmin(who) || (mayWrite(who) && visibility === 'shared' && (who.project ?? '') in members),
  ),
  // The membership of green.
  get_members: (who, thing) => {
    if (!sees(who, thing) || !('green' in thing.members)) return 'missing';
    return isAdmin(who) || isMine(who, thing) || who.project === 'green' ? 'through' : 'missing';
  },
  get_task: (who, thing) => {
    if (thing.is !== 'image' || !mayRead(who)) return 'missing';
    return isAdmin(who) || isMine(who, thing) ? 'through' : 'missing';
  },
  get_metadef_namespace: (who, thing) => (seesNamespace(who, thing) ? 'through' : 'missing'),
  metadef_admin: (who, thing) => {
    if (!seesNamespace(who, thing)) return 'missing';
    return isAdmin(who) ? 'through' : 'forbidden';
  },
  // A list of what is the caller's project's, and all quotas: no thing is asked for.
  get_audit_log: (who) => (isAdmin(who) || (mayRead(who) && who.project !== null) ? 'through' : 'forbidden'),
  tasks_api_access: (who) => (isAdmin(who) ? 'through' : 'forbidden'),
  stores_info_detail: (who) => (isAdmin(who) || who.role === 'service' ? 'through' : 'forbidden'),
  // Of blue, with the role reader.
  add_token: (who) => (isAdmin(who) || (mayRead(who) && who.project === 'blue') ? 'through' : 'forbidden'),
  get_token: (who, thing) => (seesToken(who, thing) ? 'through' : 'missing'),
  revoke_token: (who, thing) => (seesToken(who, thing) ? 'through' : 'missing'),
  manage_quotas: (who) => (isAdmin(who) ? 'through' : 'forbidden'),
};

export function byHand(who: Who, rule: RuleName, thing: Thing): Verdict {
  return who.role === null ? 'unauthenticated' : onImages[rule](who, thing);
}
