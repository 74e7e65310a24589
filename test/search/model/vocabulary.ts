/** The words that random catalogs and filters are made of: few, so that conditions hit, and odd, so that they hurt. */

export const projects = ['blue', 'red', 'green'];
export const owners = [...projects, 'admin', 'Blue'];
export const stores = ['file', 'fast-1', 'fast-2', 'Cold'];

export const names = [
  'ubuntu',
  'Ubuntu 24.04',
  'ubuntu-server',
  'debian_12%',
  'debian\\12',
  '',
  ' ',
  'a',
  'A',
  'aab',
  'ab1',
  'cab 10',
  "it's",
  'say "hi"',
  'Straße',
  'ÉCLAIR 24',
  'éclair',
  '\u{1F600} smile',
  '\uFF41wide',
  '100%',
  '10_%',
];

export const tags = [
  'lts',
  'LTS',
  'server',
  'eol',
  'a b',
  '50%',
  "o'tag",
  'çà',
  '\u{1F600}',
  '{x,"y"}',
  'ubuntu',
];

/** Some are hot ones, some describe, some are nothing special. */
export const propertyNames = [
  'os_distro',
  'os_version',
  'description',
  'hw_architecture',
  'hw_disk_bus',
  'hw:x.y',
  'Weird "name"',
  'constructor',
];

/** Differ only behind their 300th character. */
/** Longer than what an order goes by, and different within it. */
const longOnes = ['y', 'z'].map((one) => `${'x'.repeat(250)}${one}${'x'.repeat(60)}`);

export const values = [
  ...[
    'ubuntu',
    'Ubuntu',
    'debian',
    '',
    ' ',
    'a_b',
    'a%b',
    'a\\b',
    '"q"',
    "o'q",
    'éclair',
    '\u{1F600}',
    'aab',
    'cab1',
  ],
  ...[
    'a,b',
    ' a ,, b c ',
    '["a","b c"]',
    '[ "a", 1, true, "" ]',
    '["a"',
    '[a,b]',
    '<or> a <or> b',
    '<all-in>\ta b',
    '<in>a b',
    '<or>',
    ',',
  ],
  ...[
    '1',
    '01',
    '+1',
    '1.0',
    '1.',
    '.5',
    '-3',
    '-0',
    '0',
    '10',
    '9',
    '1e3',
    '1E+3',
    '1e999',
    '1e-999',
    '0x10',
  ],
  ...[
    '22.04',
    '22.4',
    '9.10',
    '9.9',
    '9.9-rc1',
    '1.0~rc1',
    '1.0',
    'v1.0',
    'V2',
    'v2',
    '2:1.0',
    '1.0-1',
    '1.0_1',
  ],
  ...['1.0a', '1.0a1', '1.0rc2', '1.0-alpha.1', '1.0+dfsg-1', '1.0~', '1..0', '24.04 LTS', '1:'],
  ...['true', 'TRUE', ' true', 'Yes', 'on', 'off', 'no', 'False', 'NaN', 'Infinity', '٣', '9007199254740993'],
  ...['null', '[]', '\ttab', '99999999999999999999999999999999999999999.5', ...longOnes],
];

/** Operands of number conditions. */
export const numbers = [-3, -0.5, 0, 0.5, 1, 9, 9.1, 10, 22.04, 1000, 9007199254740992, 1e41];

/** Operands of version conditions: all of them versions. */
export const versions = [
  ...[
    '1',
    '01',
    '1.0',
    'v1.0',
    '1.0~rc1',
    '1.0-alpha',
    '1.0-rc.1',
    '1.0rc2',
    '1.0-1',
    '1.0+dfsg',
    '1.0a',
    '1.0.0',
  ],
  ...['1.0~', '2:1.0', 'V2', '9.9', '9.10', '9.9-rc1', '22.04', '22.4', '24.04 LTS', '10'],
];

/** Free text: words, phrases, quotes that do not close. */
export const freeTexts = [
  '',
  ' \u3000\t',
  'ubuntu',
  'UBUNTU 24',
  'lts server',
  '"a b"',
  '"Ubuntu 24.04" lts',
  'server "say',
  '24.04\u00A0éCLAIR',
  '%',
  '_',
  '\\',
  'a\\b',
  "o'",
  '\u{1F600}',
  'buntu-s',
  'b1 a',
  '" "',
];

/** Whole digests have one of these heads and go on in one of a few ways. */
export const digestHeads = ['deadbeef', 'deadbee0', '01234567', 'abcdefab'];

/** Operands of time conditions, among them the same moments in other words. */
export const instants = [
  '2026-01-01T00:00:00.000000Z',
  '2026-01-01T02:00:00+02:00',
  '2026-01-01T00:00:00.000001Z',
  '2025-12-31T19:00:00.000001-05:00',
  '2026-01-02T12:30:00.5Z',
  '2026-01-02T12:30:00.500000Z',
  '2026-03-01T00:00:00.123456z',
  '1999-12-31T23:59:59.999999Z',
];

/** The moments of a catalog, as clients see them. */
export const moments = [
  '1999-12-31T23:59:59.999999Z',
  '2026-01-01T00:00:00.000000Z',
  '2026-01-01T00:00:00.000001Z',
  '2026-01-02T12:30:00.500000Z',
  '2026-03-01T00:00:00.123456Z',
  '2026-03-01T00:00:00.123457Z',
];

export const sizes = [0, 1, 99, 100, 2 ** 31, 2 ** 41, 2 ** 53 - 1];
export const smallNumbers = [0, 1, 2, 20, 512, 2 ** 31 - 1];

/** What lists may have. */
export const elements = ['a', 'b', 'b c', '', '1', 'true', 'ubuntu', 'Ubuntu', '["a"', '<in>a', '[a', "o'q"];

export const kinds = ['IMAGE', 'SNAPSHOT', 'BACKUP', 'VOLUME_SNAPSHOT', 'KERNEL', 'RAMDISK'];
export const statuses = ['QUEUED', 'SAVING', 'ACTIVE', 'DEACTIVATED', 'KILLED', 'PENDING_DELETE'];
export const visibilities = ['PUBLIC', 'COMMUNITY', 'SHARED', 'PRIVATE'];
export const diskFormats = ['RAW', 'QCOW2', 'AKI', 'ISO'];
export const signatureStates = ['VALID', 'UNCHECKED'];
export const containerFormats = ['BARE', 'OVF', 'AKI'];
export const memberStatuses = ['PENDING', 'ACCEPTED', 'REJECTED'];
