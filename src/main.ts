/** The one program, `vitrine`: reads the command and hands on to the server or to the operator's commands. */
import { Command } from 'commander';
import { check } from './admin/check.ts';
import { migrateDatabase } from './admin/migrate.ts';
import { serve } from './admin/serve.ts';
import { ConfigError, printableConfig, readConfig } from './config/config.ts';
import { version } from './version.ts';

const config = () => readConfig(process.env, process.cwd());

const program = new Command('vitrine')
  .description('An image registry for clouds: images, their metadata and their bytes.')
  .version(version)
  .showHelpAfterError();

program
  .command('serve')
  .description('Run the service until it is told to stop.')
  .action(() => serve(config()));

program
  .command('migrate')
  .description('Bring the schema of the database up to date; a start does the same.')
  .action(() => migrateDatabase(config()));

program
  .command('config')
  .description('Print the effective settings, without secrets.')
  .action(() => console.log(JSON.stringify(printableConfig(config()), null, 2)));

program
  .command('check')
  .description('Ask the database, the stores and the tokens file whether the service could run.')
  .action(async () => {
    process.exitCode = (await check(config())) ? 0 : 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : `vitrine: ${(error as Error).message}`);
  process.exitCode = 1;
}
