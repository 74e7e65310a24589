/** The settings file: what it may hold, what is put in from elsewhere, and how mistakes are told. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { type Config, ConfigError, printableConfig, readConfig } from '../../src/config/config.ts';

let folder = '';
const folders: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vitrine-config-'));
  folders.push(folder);
});
afterAll(() => {
  for (const one of folders) rmSync(one, { recursive: true });
});

function read(yaml: string, env: Record<string, string> = {}): Config {
  writeFileSync(join(folder, 'vitrine.yaml'), yaml);
  return readConfig(env, folder);
}

function problems(yaml: string, env: Record<string, string> = {}): readonly string[] {
  try {
    read(yaml, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const defaults = {
  hotProperties: [
    'os_distro',
    'os_version',
    'os_type',
    'architecture',
    'hw_architecture',
    'hypervisor_type',
    'image_type',
  ],
  statementTimeoutMs: 2000,
  costMax: 250_000,
  describingProperties: [
    'os_distro',
    'os_version',
    'title',
    'description',
    'image_description',
    'summary',
    'display_name',
  ],
};

test('without a file, and with one that says nothing, everything is as it is by default', () => {
  expect(readConfig({}, folder)).toMatchObject({ settingsFile: null, search: defaults });
  for (const yaml of [
    '',
    '# nothing\n',
    'search:\n',
    'search: {}',
    'search: { costMax: ~, hotProperties: null }',
  ]) {
    expect(read(yaml).search).toEqual(defaults);
  }
  expect(read('').settingsFile).toBe(join(folder, 'vitrine.yaml'));
});

test('what is set is read as it is written, and cannot be changed afterwards', () => {
  const { search } = read(`
search:
  hotProperties: [1.10, yes, "it's", 'null', 1.10]
  statementTimeout: 1.5s
  costMax: 1000
  describingProperties: []
`);
  expect(search).toEqual({
    hotProperties: ['1.10', 'yes', "it's", 'null'],
    statementTimeoutMs: 1500,
    costMax: 1000,
    describingProperties: [],
  });
  expect(Object.isFrozen(search)).toBe(true);
  expect(Object.isFrozen(search.hotProperties)).toBe(true);
});

test('durations have milliseconds, seconds, minutes and hours', () => {
  const ms = (text: string) => read(`search: { statementTimeout: ${text} }`).search.statementTimeoutMs;
  expect(['50ms', '2s', '2 s', '5m', '1h'].map(ms)).toEqual([50, 2000, 2000, 300_000, 3_600_000]);
  for (const text of ['2', '2 seconds', '-1s', '1ms', '2h', '1e3ms', 'soon']) {
    expect(problems(`search: { statementTimeout: ${text} }`)).toEqual([
      'vitrine.yaml:1: search.statementTimeout is a duration from 10ms to 1h, such as 500ms, 2s or 5m' +
        ` (it is "${text}")`,
    ]);
  }
});

test('entries of the audit log are kept for a year, for so many days, or for ever', () => {
  const days = (text: string) => read(text).audit.retentionDays;
  expect(['', 'audit: {}', 'audit: { retentionDays: 30 }'].map(days)).toEqual([365, 365, 30]);
  expect(['null', '', '~', 'never'].map((text) => days(`audit:\n  retentionDays: ${text}\n`))).toEqual(
    Array(4).fill(null),
  );
  for (const text of ['0', '1.5', '-1', '1d']) {
    expect(problems(`audit: { retentionDays: ${text} }`)).toEqual([
      `vitrine.yaml:1: audit.retentionDays is a whole number from 1 to 36500; or never (it is "${text}")`,
    ]);
  }
});

test('single values come from the environment and from files too', () => {
  writeFileSync(join(folder, 'name'), 'from_file\n');
  const { search } = read(
    `
search:
  costMax: \${COST}
  hotProperties: [{ file: name }, "pre_\${NAME}_post", "$\${NAME}", { file: "\${PLACE}" }]
`,
    { COST: '12', NAME: 'x', PLACE: join(folder, 'name') },
  );
  expect(search.costMax).toBe(12);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as the file has it
  expect(search.hotProperties).toEqual(['from_file', 'pre_x_post', '${NAME}']);
});

test('every mistake is told at once with those of the environment, each with its place', () => {
  const found = problems(
    `search:
  hotPropertys: [a]
  costMax: many
  statementTimeout: \${TIMEOUT}
  hotProperties:
    - ""
    - {file: /nowhere/at/all}
    - \${MISSING}
  describingProperties: title
serach: {}
`,
    { VITRINE_PORT: 'x', TIMEOUT: 'hush', EMPTY: '' },
  );
  expect(found).toEqual([
    'VITRINE_PORT is a whole number from 0 to 65535 (it is "x")',
    'vitrine.yaml:7: search.hotProperties[1] names the file /nowhere/at/all, which cannot be read (ENOENT)',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as the file has it
    'vitrine.yaml:8: search.hotProperties[2] names ${MISSING}, which is not set in the environment',
    'vitrine.yaml:6: search.hotProperties[0] is the name of a property: 1 to 255 characters (it is "")',
    'vitrine.yaml:4: search.statementTimeout is a duration from 10ms to 1h, such as 500ms, 2s or 5m',
    'vitrine.yaml:3: search.costMax is a whole number from 1 to 1000000000 (it is "many")',
    'vitrine.yaml:9: search.describingProperties is a list, such as [one, two] (it is "title")',
    'vitrine.yaml:2: search.hotPropertys is not a setting; did you mean hotProperties?',
    'vitrine.yaml:10: serach is not a setting; did you mean search?',
  ]);
});

test('a text that is no YAML, or not a map, is told with its line', () => {
  for (const [yaml, place] of [
    ['search: [', 'vitrine.yaml:1: '],
    ['search: {}\nsearch: {}\n', 'vitrine.yaml:2: Map keys must be unique'],
    ['just words', 'vitrine.yaml:1: holds some of search'],
    ['- search', 'vitrine.yaml:1: holds some of search'],
    ['a: &x {}\nsearch: *x\n', 'vitrine.yaml:2: search is an alias; write it out'],
    ['search:\n  ? [a]\n  : b\n', 'vitrine.yaml:1: search has a key that is not text'],
    ['search: !!js/function x', 'vitrine.yaml:1: '],
    ['__proto__: { a: b }', 'vitrine.yaml:1: __proto__ is not a setting'],
    ['search: 5', 'vitrine.yaml:1: search holds some of hotProperties'],
    ['a: 1\n---\nb: 2\n', 'vitrine.yaml:'],
  ] as const) {
    const found = problems(yaml);
    expect(found.length, yaml).toBeGreaterThan(0);
    expect(found.join('\n'), yaml).toContain(place);
  }
});

test('a file that is named has to be there', () => {
  const named = (path: string) => () => readConfig({ VITRINE_CONFIG: path }, folder);
  expect(named('other.yaml')).toThrow('VITRINE_CONFIG names other.yaml, which cannot be read (ENOENT)');
  writeFileSync(join(folder, 'other.yaml'), 'search: { costMax: 0 }');
  expect(named('other.yaml')).toThrow('other.yaml:1: search.costMax is a whole number');
});

test('the settings of the file are printed', () => {
  const printed = printableConfig(read('search: { costMax: 7 }'));
  expect(printed).toMatchObject({ search: { ...defaults, costMax: 7 } });
});
