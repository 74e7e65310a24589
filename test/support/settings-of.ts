/** A settings file, as the service reads it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, ConfigError, readConfig } from '../../src/config/config.ts';

/** Of this text. @throws ConfigError */
export function settingsOf(yaml: string, env: Record<string, string> = {}): Config {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-settings-'));
  try {
    writeFileSync(join(folder, 'vitrine.yaml'), yaml);
    return readConfig(env, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What is wrong with it, a line each. */
export function problemsOf(yaml: string, env: Record<string, string> = {}): readonly string[] {
  try {
    settingsOf(yaml, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
