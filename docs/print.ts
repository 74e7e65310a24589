/**
 * Prints the tables of docs/policy.md from the code: `--write` puts them between the marks of the page, without it only
 * compares and says what to do.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { builtInRoles } from '../src/domain/caller.ts';
import { type Grant, grantsTo, objects, relations, ruleNames, ruleOf } from '../src/domain/policy-rules.ts';

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

function shown(grants: readonly Grant[]): string {
  if (grants.includes('any')) return 'any';
  return [...new Set(grants.flat())].join(', ');
}

const tables: Record<string, string> = {
  relations: table(
    ['Relation', 'The object'],
    Object.entries(relations).map(([name, meaning]) => [`\`${name}\``, meaning]),
  ),
  rules: table(
    ['Rule', 'On', ...builtInRoles, 'Allows to'],
    ruleNames.map((name) => {
      const { on, who, what, limit, reads } = ruleOf(name);
      const bound = limit === undefined ? '' : limit.only === 'built in' ? ' (1)' : ' (2)';
      return [
        `\`${name}\`${bound}${reads ? ' (3)' : ''}`,
        on,
        ...builtInRoles.map((role) => shown(grantsTo(who, role))),
        what,
      ];
    }),
  ),
  objects: table(
    ['On', 'Relations that it can have'],
    Object.entries(objects).map(([on, known]) => [on, known.join(', ') || 'none: only any']),
  ),
};

const path = new URL('policy.md', import.meta.url);
const page = await readFile(path, 'utf8');
const printed = page.replace(
  /(<!-- printed: (\w+) -->\n)[\s\S]*?(\n<!-- end -->)/g,
  (_, start, name, end) => `${start}${tables[name]}${end}`,
);
if (process.argv.includes('--write')) await writeFile(path, printed);
else if (printed !== page) {
  console.error('docs/policy.md is not what the code says; run: npm run docs');
  process.exitCode = 1;
}
