/**
 * The one program, `vitrine`: reads the command and hands on to the server or to the operator's commands. Each is
 * imported when it is asked for: most need little of what the server does.
 */
import { Command, Option } from 'commander';
import type { FsckFlags } from './admin/fsck.ts';
import type { ImportFlags } from './admin/import-images.ts';
import type { LintFlags } from './admin/lint.ts';
import type { ExportFlags, LoadFlags } from './admin/metadefs.ts';
import type { ListFlags } from './admin/quota.ts';
import type { ScrubFlags } from './admin/scrub.ts';
import type { NewTokenFlags } from './admin/token.ts';
import { ConfigError, printableConfig, readConfig } from './config/config.ts';
import { version } from './version.ts';

// Said before anything loads graphql, which reads it once and checks every type it meets twice over otherwise.
process.env.NODE_ENV ??= 'production';

const config = () => readConfig(process.env, process.cwd());

const program = new Command('vitrine')
  .description('An image registry for clouds: images, their metadata and their bytes.')
  .version(version)
  .showHelpAfterError();

program
  .command('serve')
  .description('Run the service until it is told to stop.')
  .action(async () => (await import('./admin/serve.ts')).serve(config()));

program
  .command('work')
  .description(
    'Do queued work, such as imports, for servers elsewhere (see VITRINE_TASKS), until it is told to stop.',
  )
  .action(async () => (await import('./admin/work.ts')).work(config()));

program
  .command('migrate')
  .description('Bring the schema of the database up to date; a start does the same.')
  .action(async () => (await import('./admin/migrate.ts')).migrateDatabase(config()));

program
  .command('config')
  .description('Print the effective settings, without secrets.')
  .action(() => console.log(JSON.stringify(printableConfig(config()), null, 2)));

program
  .command('check')
  .description('Ask the database, the stores and whoever knows callers whether the service could run.')
  .action(async () => {
    const { check } = await import('./admin/check.ts');
    process.exitCode = (await check(config())) ? 0 : 1;
  });

const index = program
  .command('index')
  .description('Properties with indexes of their own: quick to filter by range and to sort by.');
index
  .command('add <name...>')
  .description('Build them; writers go on meanwhile.')
  .action(async (names: string[]) =>
    (await import('./admin/index-properties.ts')).addIndexes(config(), names),
  );
index
  .command('remove <name...>')
  .description('Take them away.')
  .action(async (names: string[]) =>
    (await import('./admin/index-properties.ts')).removeIndexes(config(), names),
  );
index
  .command('list')
  .description('Which there are, whether they are ready, and how large.')
  .action(async () => (await import('./admin/index-properties.ts')).listIndexes(config()));

program
  .command('import')
  .description(
    'Load images, one JSON object a line in the shape of GET /v2/images/{id}. Exit code 1: a line was bad.',
  )
  .argument('[file]', 'gzipped when it ends in .gz; - or nothing: standard input', '-')
  .addOption(
    new Option('--on-conflict <what>', 'when an id is there already')
      .choices(['skip', 'replace', 'fail'])
      .default('skip'),
  )
  .option('--fatal', 'stop at the first bad line', false)
  .option('--errors <file>', 'gets every line that is not loaded, with the reason')
  .option('--from-start', 'do not go on where an import of the same input was broken off', false)
  .action(async (file: string, flags: ImportFlags) => {
    const { importImages, importOptions } = await import('./admin/import-images.ts');
    process.exitCode = (await importImages(config(), file, importOptions(flags))) ? 0 : 1;
  });

program
  .command('export')
  .description('Write all images with their members, as import reads them.')
  .argument('[file]', 'gzipped when it ends in .gz; - or nothing: standard output', '-')
  .action(async (file: string) => (await import('./admin/export-images.ts')).exportImages(config(), file));

const metadefs = program
  .command('metadefs')
  .description('Metadata definitions: what properties of images and other resources mean.');
metadefs
  .command('load')
  .description('Load namespaces from files or folders of YAML or JSON, also those of Glance.')
  .argument('[files...]', 'nothing: those that come with the service')
  .addOption(
    new Option('--merge', 'add what namespaces that are there lack').conflicts(['preferNew', 'overwrite']),
  )
  .addOption(new Option('--prefer-new', 'also change what differs in them').conflicts(['merge', 'overwrite']))
  .addOption(
    new Option('--overwrite', 'make them exactly what the files say').conflicts(['merge', 'preferNew']),
  )
  .action(async (files: string[], flags: LoadFlags) => {
    const { loadMetadefs, loadModeOf } = await import('./admin/metadefs.ts');
    await loadMetadefs(config(), files, loadModeOf(flags));
  });
metadefs
  .command('export')
  .description('Write all namespaces, as load reads them.')
  .argument('[folder]', 'gets a file for each; nothing: standard output')
  .option('--json', 'JSON in place of YAML', false)
  .action(async (folder: string | undefined, flags: ExportFlags) =>
    (await import('./admin/metadefs.ts')).exportMetadefs(config(), folder ?? null, flags),
  );
metadefs
  .command('diff')
  .description('What load --overwrite would change. Exit code 1: something.')
  .argument('[files...]', 'nothing: those that come with the service')
  .action(async (files: string[]) => {
    const { diffMetadefs } = await import('./admin/metadefs.ts');
    process.exitCode = (await diffMetadefs(config(), files)) ? 0 : 1;
  });

program
  .command('lint')
  .description('Images whose properties break a metadata definition, by cause. Exit code 1: there are some.')
  .option('--owner <project>', 'only those of this project')
  .option('--json', 'as JSON, with the ids of all images', false)
  .action(async (flags: LintFlags) => {
    const { lintImages } = await import('./admin/lint.ts');
    process.exitCode = (await lintImages(config(), flags)) ? 0 : 1;
  });

program
  .command('scrub')
  .description(
    'Look after stored bytes: mark copies that are damaged, write them anew from good ones. Exit code 1: something was wrong.',
  )
  .option(
    '--deep',
    'read all bytes and compare digests, the longest unread copies first; else only sizes',
    false,
  )
  .option('--rate <bytes>', 'to read in a second, such as 50MiB (default: scrub.rate of the settings)')
  .option('--store <id>', 'only copies in this store')
  .option('--limit <n>', 'at most so many copies')
  .option('--json', 'a JSON object a line', false)
  .action(async (flags: ScrubFlags) => {
    const { scrubStores } = await import('./admin/scrub.ts');
    process.exitCode = (await scrubStores(config(), flags)) ? 0 : 1;
  });

program
  .command('fsck')
  .description(
    'Objects without a row, rows without their object or with one of another size. Exit code 1: there are some.',
  )
  .option('--repair', 'heal copies; remove objects that had no row for an hour', false)
  .option('--store <id>', 'only this store')
  .option('--json', 'a JSON object a line', false)
  .action(async (flags: FsckFlags) => {
    const { checkStoredBytes } = await import('./admin/fsck.ts');
    process.exitCode = (await checkStoredBytes(config(), flags)) ? 0 : 1;
  });

const quota = program
  .command('quota')
  .description('What projects may have: images, bytes, bytes in the staging area, uploads at once.');
quota
  .command('list')
  .description('What they may have and have.')
  .argument('[project]', 'nothing: all that have something, or limits of their own')
  .option('--json', 'a JSON object a line', false)
  .action(async (project: string | undefined, flags: ListFlags) =>
    (await import('./admin/quota.ts')).listProjectQuotas(config(), project, flags),
  );
quota
  .command('set')
  .description('Give a project limits of its own, in place of those of the settings.')
  .argument('<project>')
  .argument('<limits...>', 'such as images=100 bytes=2TiB uploads=none')
  .action(async (project: string, limits: string[]) =>
    (await import('./admin/quota.ts')).setProjectQuota(config(), project, limits),
  );
quota
  .command('unset')
  .description('Take limits of its own away: those of the settings count again.')
  .argument('<project>')
  .argument('[names...]', 'nothing: all')
  .action(async (project: string, names: string[]) =>
    (await import('./admin/quota.ts')).unsetProjectQuota(config(), project, names),
  );
quota
  .command('check')
  .description('Compare the sums that are kept with the rows. Exit code 1: some are wrong.')
  .option('--repair', 'count them anew', false)
  .action(async (flags: { repair: boolean }) => {
    const { checkQuotas } = await import('./admin/quota.ts');
    process.exitCode = (await checkQuotas(config(), flags)) ? 0 : 1;
  });

const several = (value: string, before: string[] = []) => [...before, value];
const token = program
  .command('token')
  .description('Robot tokens: for programs, in one project each, on the database of the settings.');
token
  .command('create')
  .description('Make one. Standard output is its secret, which is not to be had again.')
  .requiredOption('--project <id>', 'the project that it acts for')
  .requiredOption('--name <text>', 'what uses it')
  .option('--description <text>', 'more about it')
  .option('--role <role>', 'admin, member or reader; may be given several times (default: member)', several)
  .option('--read-only', 'it reads and downloads, and changes nothing', false)
  .option('--images <search>', 'only for images that this search finds (docs/search.md)')
  .option('--expires <when>', 'in a while, such as 90d, or at a time, such as 2027-01-31T12:00:00Z')
  .option('--json', 'a JSON object with all there is to know, the secret among it', false)
  .action(async (flags: NewTokenFlags) => (await import('./admin/token.ts')).newRobotToken(config(), flags));
token
  .command('list')
  .description('Which there are, without their secrets.')
  .option('--project <id>', 'only those of this project')
  .option('--json', 'a JSON object a line', false)
  .action(async (flags: { project?: string; json: boolean }) =>
    (await import('./admin/token.ts')).listRobotTokens(config(), flags),
  );
token
  .command('revoke')
  .description('Take one away for ever; servers refuse it within two seconds.')
  .argument('<id>', 'as list tells it')
  .action(async (id: string) => (await import('./admin/token.ts')).revokeRobotToken(config(), id));

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : `vitrine: ${(error as Error).message}`);
  process.exitCode = 1;
}
