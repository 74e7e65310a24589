/**
 * Words of texts, as the database splits them and as a search looks for them: wherever a part is cut out of a text,
 * the image is found by it, and what is found is what PostgreSQL finds when it looks at every image.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listImages } from '../../src/actions/list-images.ts';
import { transaction } from '../../src/db/client.ts';
import { images } from '../../src/db/tables.ts';
import type { Caller } from '../../src/domain/caller.ts';
import type { ImageFilter } from '../../src/search/image-filter.ts';
import { type AnImage, anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const caller: Caller = { user: 'u', project: 'p', roles: ['admin'], isAdmin: true, isAnonymous: false };

/** Only these images are there; their ids. */
async function only(...given: AnImage[]): Promise<string[]> {
  await transaction(server.app.db, async (tx) => {
    await tx.delete(images);
  });
  const ids: string[] = [];
  for (const image of given) ids.push(await anImage(server.app, image));
  return ids;
}

async function find(where: ImageFilter): Promise<string[]> {
  const list = await listImages(server.app, caller, {
    where,
    include: [],
    orderBy: [],
    page: { first: 100 },
    fields: [],
    reads: 'page',
  });
  return list.images.map(({ id }) => id).sort();
}

/** The same question, asked of every image by itself. */
async function look(condition: string, part: string): Promise<string[]> {
  const rows = await server.app.db.query<{ id: string }>(
    `select id::text from images i where ${condition} order by 1`,
    [part],
  );
  return rows.map(({ id }) => id).sort();
}

const lower = (text: string) => `lower(${text} collate "default") collate "C"`;
const describing = [
  'os_distro',
  'os_version',
  'title',
  'description',
  'image_description',
  'summary',
  'display_name',
];
const hasPart = `exists (select from unnest(array[name] || tags
    || array[${describing.map((name) => `properties ->> '${name}'`).join(', ')}]) as t
  where strpos(${lower('t')}, ${lower('$1')}) > 0)`;

/** Whole free texts that look for this part and nothing else. */
function freeTexts(part: string): string[] {
  if (!part.includes('"')) return /\s/.test(part) ? [`"${part}"`] : [part, `"${part}"`];
  return /\s/.test(part) || part.indexOf('"') !== part.lastIndexOf('"') ? [] : [part];
}

/** In upper case, where that is the same text again in lower case. */
const raised = (part: string) => [...part].map((c) => (/[a-zäé]/.test(c) ? c.toUpperCase() : c)).join('');

async function expectFound(id: string, part: string): Promise<void> {
  const [anywhere, inName] = [await look(hasPart, part), await look('strpos(name, $1) > 0', part)];
  for (const text of [part, raised(part)].flatMap(freeTexts)) {
    const found = await find({ freeText: text });
    expect({ text, found }).toEqual({ text, found: anywhere });
    expect(found).toContain(id);
  }
  expect({ part, found: await find({ name: { contains: part } }) }).toEqual({ part, found: inName });
}

const asciiPunctuation = [...Array(127).keys()]
  .map((code) => String.fromCharCode(code))
  .filter((c) => /[ -~]/.test(c) && !/[0-9a-zA-Z]/.test(c));
const letters = [...'aabbccABC019äÄéßΣσςıİKſ日本語💿'];
// U+001F is what the parts of a search text are kept apart by.
const others = [...'\t\n\r\v\f\u0001\u0003\u001e\u007f\u0085\u00a0\u00ad\u200b\u2028\u3000\ufeff–“”·ـ'];
const unit = fc.oneof(
  { arbitrary: fc.constantFrom(...letters), weight: 12 },
  { arbitrary: fc.constantFrom(...asciiPunctuation), weight: 3 },
  { arbitrary: fc.constantFrom(...others), weight: 1 },
);
const text = fc.string({ unit, minLength: 1, maxLength: 30 });

interface Cut {
  /** Where in the text, from 0 to 1. */
  at: number;
  length: number;
}
const cut = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.integer({ min: 1, max: 12 }),
});

function partOf(whole: string, { at, length }: Cut): string {
  const characters = [...whole];
  const start = Math.floor(at * Math.max(0, characters.length - length));
  return characters.slice(start, start + length).join('');
}

test(
  'every part of a name, a tag or a description finds its image, whatever is in it',
  async () => {
    const image = fc.record({ name: text, tag: text, description: text });
    await fc.assert(
      fc.asyncProperty(
        fc.array(image, { minLength: 8, maxLength: 8 }),
        fc.array(cut, { minLength: 6, maxLength: 6 }),
        async (made, cuts) => {
          const ids = await only(
            ...made.map(({ name, tag, description }) => ({ name, tags: [tag], properties: { description } })),
          );
          for (const [i, where] of cuts.entries()) {
            const [id = '', one] = [ids[i], made[i]];
            for (const whole of Object.values(one ?? {})) await expectFound(id, partOf(whole, where));
          }
        },
      ),
      { numRuns: sized({ quick: 4, ci: 60, full: 2_000 }) },
    );
  },
  sized({ quick: 60_000, ci: 300_000, full: 7_200_000 }),
);

test('every kind of blank and punctuation beside and within words is found with them', async () => {
  const characters = [...asciiPunctuation, ...others];
  const ids = await only(
    { name: 'alpha beta gamma' },
    { name: 'alphabetagamma' },
    ...characters.map((c) => ({ name: `${c}alpha${c}beta${c}${c}gamma${c}` })),
  );
  for (const [i, c] of characters.entries()) {
    const parts = [`pha${c}be`, `ta${c}${c}gam`, `${c}alp`, `mma${c}`];
    for (const part of sized({ quick: [parts[i % 4] ?? ''], ci: parts, full: parts }))
      await expectFound(ids[i + 2] ?? '', part);
  }
});

test.each([199, 200, 201, 202, 250])('a word of %d characters is found by its parts', async (length) => {
  const long = Array.from({ length }, (_, i) =>
    String.fromCodePoint(i % 3 === 0 ? 0x1f400 + i : 0x61 + (i % 26)),
  ).join('');
  const [inName = '', inText = ''] = await only(
    { name: `a ${long}`.slice(0, 255).toWellFormed() },
    { name: 'x', properties: { description: `${'y'.repeat(300)} ${long}/${'z'.repeat(400)} end` } },
    { name: 'zzz', tags: ['yyy'] },
  );
  const characters = [...long];
  for (const part of [characters.slice(0, 3), characters.slice(20, 60), characters.slice(40, 42)]) {
    await expectFound(inName, part.join(''));
    await expectFound(inText, part.join(''));
  }
  await expectFound(inText, characters.slice(-5).join(''));
  await expectFound(inText, `${characters.slice(-2).join('')}/zzz`);
  await expectFound(inText, 'z'.repeat(350));
  await expectFound(inText, long);
});

test('words of one or two characters are found, alone and in phrases', async () => {
  const [id = ''] = await only({ name: 'a bb c-dd e', tags: ['日本'] }, { name: 'abbcdde' }, { name: null });
  for (const part of ['a', 'bb', ' bb', 'b c', 'c-d', '-', 'dd e', 'a bb c-dd e', '日', '日本', ' ']) {
    await expectFound(id, part);
  }
  expect(await find({ freeText: 'a bb dd e 日本' })).toEqual([id]);
});

test('a part that begins in one text and ends in another finds nothing', async () => {
  await only({ name: 'alpha', tags: ['beta'], properties: { description: 'gamma', title: 'delta' } });
  for (const c of ['', ' ', '\u001e', ',']) {
    for (const part of [`alpha${c}beta`, `ta${c}del`, `a${c}b`]) {
      for (const freeText of freeTexts(part))
        expect({ part, found: await find({ freeText }) }).toEqual({ part, found: [] });
    }
  }
});

test('not even where it has the character that keeps them apart', async () => {
  await only({ name: 'alpha', tags: ['beta'] });
  expect(await find({ freeText: 'alpha\u001fbeta' })).toEqual([]);
});
