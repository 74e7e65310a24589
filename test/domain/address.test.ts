import { expect, test } from 'vitest';
import { addressOf, isPublic, networkOf } from '../../src/domain/address.ts';
import { hostOf, hostRuleOf, isMeant } from '../../src/domain/host-rule.ts';

const publicly = (text: string) => {
  const address = addressOf(text);
  if (!address) throw new Error(`no address: ${text}`);
  return isPublic(address);
};

test.each([
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::10.0.0.1',
  '64:ff9b:1::8.8.8.8',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:c0a8:1::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00::1',
  'fe80::1',
  'fe80::1%lo',
  'fec0::1',
  'ff02::1',
])('%s is not public', (text) => {
  expect(publicly(text)).toBe(false);
});

test.each([
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.1',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '2002:808:808::1',
  '2001:4860:4860::8888',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
])('%s is public', (text) => {
  expect(publicly(text)).toBe(true);
});

test('what is no address is none', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', '256.1.1.1', '0177.0.0.1', '::g', '1::2::3']) {
    expect(addressOf(text), text).toBe(null);
  }
  for (const text of ['10.0.0.0/33', '10.0.0.0/', '::/129', 'fe80::1%lo', 'x/8']) {
    expect(networkOf(text), text).toBe(null);
  }
});

function means(rule: string, host: string, address: string, port = 80): boolean {
  const [parsed, bytes] = [hostRuleOf(rule), addressOf(address)];
  if (!parsed || !bytes) throw new Error(`${rule} ${address}`);
  return isMeant(parsed, { host, port, address: bytes });
}

test('a rule is a name, an address or a network, with a port if wanted', () => {
  expect(means('mirror.example.org', 'mirror.example.org', '10.0.0.1')).toBe(true);
  expect(means('Mirror.Example.org.', 'mirror.example.org', '10.0.0.1')).toBe(true);
  expect(means('example.org', 'mirror.example.org', '10.0.0.1')).toBe(false);
  expect(means('*.example.org', 'mirror.example.org', '10.0.0.1')).toBe(true);
  expect(means('*.example.org', 'example.org', '10.0.0.1')).toBe(false);
  expect(means('*.example.org', 'evilexample.org', '10.0.0.1')).toBe(false);
  expect(means('10.0.0.0/9', 'x', '10.127.0.1')).toBe(true);
  expect(means('10.0.0.0/9', 'x', '10.128.0.1')).toBe(false);
  expect(means('10.0.0.0/8', 'x', '::ffff:10.0.0.1')).toBe(true);
  expect(means('0.0.0.0/0', 'x', '2001:4860::1')).toBe(false);
  expect(means('127.0.0.1:8080', 'x', '127.0.0.1', 8080)).toBe(true);
  expect(means('127.0.0.1:8080', 'x', '127.0.0.1', 80)).toBe(false);
  expect(means('::1', 'x', '::1')).toBe(true);
  expect(means('[::1]:8080', 'x', '::1', 8080)).toBe(true);
  expect(means('[fd00::/8]:80', 'x', 'fd12::1')).toBe(true);
});

test('what is no rule is none', () => {
  for (const text of [
    '',
    'a b',
    '1.2.3.4.5',
    '1.2.3',
    'a:0',
    'a:65536',
    'a:b',
    '[a]',
    'http://a',
    'a/b',
    '*',
    '*.',
    'a..b',
    '-a',
  ]) {
    expect(hostRuleOf(text), text).toBe(null);
  }
});

test('hosts of URLs are compared without case, brackets and a dot at their end', () => {
  expect(hostOf(new URL('http://LOCALHOST./'))).toBe('localhost');
  expect(hostOf(new URL('http://[::FFFF:127.0.0.1]/'))).toBe('::ffff:7f00:1');
});
