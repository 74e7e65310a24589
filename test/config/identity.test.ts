/** VITRINE_AUTH and the sections that its methods need. */
import { expect, test } from 'vitest';
import { problemsOf, settingsOf } from '../support/settings-of.ts';

const read = (auth: string, yaml = '') => settingsOf(yaml, { VITRINE_AUTH: auth });
const problems = (auth: string, yaml = '') => problemsOf(yaml, { VITRINE_AUTH: auth });

const keystone = 'keystone: { url: "http://k/v3", username: u, password: p, project: s }\n';
const oidc = 'oidc: { issuer: "https://id.example.org", audience: vitrine }\n';

test('callers are known by tokens of a file unless others are named, each once', () => {
  expect(read('').auth).toEqual(['tokens']);
  expect(read('keystone, tokens,keystone', keystone).auth).toEqual(['keystone', 'tokens']);
  expect(problems('tokens,ldap')).toEqual([
    'VITRINE_AUTH is a comma list of tokens, keystone, oidc (it is "tokens,ldap")',
  ]);
  expect(problems('tokens,')).toHaveLength(1);
});

test('a method without its section is told of, a section that has a mistake is not called missing', () => {
  expect(problems('keystone,oidc')).toEqual([
    expect.stringMatching(/^VITRINE_AUTH has keystone, but the settings file has no section keystone/),
    expect.stringMatching(/^VITRINE_AUTH has oidc, but the settings file has no section oidc/),
  ]);
  expect(problems('keystone', 'keystone: { url: "http://k/v3" }')).toEqual([
    expect.stringMatching(/^vitrine\.yaml:1: keystone has either username/),
  ]);
});

test('an issuer has defaults for all but its name and audience', () => {
  expect(read('oidc', oidc).oidc).toMatchObject({
    issuer: 'https://id.example.org',
    audience: ['vitrine'],
    claims: { user: 'sub', project: 'project_id', roles: 'roles' },
    leewayMs: 30_000,
    answerTimeoutMs: 5_000,
  });
  const changed = read(
    'oidc',
    'oidc: { issuer: "http://localhost:8080/realms/x/", audience: [a, b], claims: { roles: realm_access.roles } }',
  );
  expect(changed.oidc).toMatchObject({
    issuer: 'http://localhost:8080/realms/x/',
    audience: ['a', 'b'],
    claims: { user: 'sub', roles: 'realm_access.roles' },
  });
});

test('an issuer over http elsewhere, a shared secret and other mistakes are refused with the reason', () => {
  const wrong = `
oidc:
  issuer: http://id.example.org
  audience: []
  algorithms: [RS256, HS256]
  claims: { role: x }
`;
  expect(problems('oidc', wrong)).toEqual([
    expect.stringMatching(/:3: oidc\.issuer begins with https:\/\//),
    expect.stringMatching(/:4: oidc\.audience is empty/),
    expect.stringMatching(/claims\.role is not a setting; did you mean roles/),
    expect.stringMatching(/:5: oidc\.algorithms\[1\] is one of RS256.*HS256/),
  ]);
  expect(
    problems('tokens', 'keystone: { url: "http://k:5000", username: u, password: p, project: s }'),
  ).toEqual([expect.stringMatching(/keystone\.url is the address of the Identity API, which ends in \/v3/)]);
  expect(
    problems('oidc', 'oidc: { issuer: "https://u:hush@id.example.org", audience: a }').join(),
  ).not.toContain('hush');
});
