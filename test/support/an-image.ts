/** Images for tests, put where they are needed by SQL: as many and as odd as a test wants. */
import { randomUUID } from 'node:crypto';
import type { App } from '../../src/actions/app.ts';
import { transaction } from '../../src/db/client.ts';
import { insertImage, type NewImageRow } from '../../src/db/images.ts';
import { insertMember, updateMember } from '../../src/db/members.ts';
import { kindOf, type MemberStatus } from '../../src/domain/image.ts';

export type AnImage = Partial<NewImageRow> & { members?: Record<string, MemberStatus> };

/** Registers an image of project blue, whatever is not said being plain; returns its id. */
export async function anImage(app: App, { members = {}, ...given }: AnImage = {}): Promise<string> {
  const row: NewImageRow = {
    id: randomUUID(),
    status: 'active',
    visibility: 'shared',
    owner: 'blue',
    diskFormat: 'raw',
    containerFormat: 'bare',
    properties: {},
    ...given,
    kind: given.kind ?? kindOf({ diskFormat: given.diskFormat ?? null, properties: given.properties ?? {} }),
  };
  await transaction(app.db, async (tx) => {
    await insertImage(tx, row);
    for (const [project, status] of Object.entries(members)) {
      await insertMember(tx, row.id, project);
      await updateMember(tx, row.id, project, status);
    }
  });
  return row.id;
}
