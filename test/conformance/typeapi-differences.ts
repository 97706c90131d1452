/**
 * Where the TypeAPI document for `filter=fusio` says something else than Fusio's own, and why. `*` stands for any text without a
 * space. What is missing or differs has to be so.
 */
export const named: Record<string, string[]> = {
  'Lists are sorted by a declared column': [
    '*.getAll.sortBy is ours',
    '*.getAll.sortOrder is ours',
    '*.getCommits.sort* is ours',
    '*.getAllByType.sort* is ours',
  ],
  'A day is enough where a moment can be given': ['backend.*.from differs', 'backend.*.to differs'],
  'Lists that grow without end say where counting and searching ended': [
    '*Collection.totalIsMinimum is ours',
    '*Collection.searchedSince is ours',
  ],
  'Logs have more filters, and can be followed': [
    'Backend_LogCollection.after is ours',
    'backend.log.getAll.after is ours',
    'backend.log.getAll.categoryId is ours',
    'backend.log.getAll.requestId is ours',
    'backend.log.getAll.responseCode is ours',
  ],
  'Statistics of every category, which say when they are not the whole truth; the dashboard has a range': [
    'backend.statistic.*.categoryId is ours',
    'backend.statistic.*.source is ours',
    'backend.dashboard.getAll.source is ours',
    'Backend_Statistic*.note is ours',
    'Backend_Statistic*.source is ours',
    'Backend_Statistic*.error is ours',
    'backend.dashboard.getAll.from is ours',
    'backend.dashboard.getAll.to is ours',
  ],
  'Rows are whole': ['backend.connection.database.getRows.columns is missing'],
  'Further filters': ['backend.action.getAll.taxonomy is ours', 'backend.connection.database.getTables.search is ours'],
  'No transaction has these, there is nothing to filter by': [
    'backend.transaction.getAll.appId is missing',
    'backend.transaction.getAll.provider is missing',
    'backend.transaction.getAll.status is missing',
    'backend.transaction.getAll.taxonomy is missing',
  ],
  'Every object shows whether it is active, and its place in the taxonomy': [
    'Backend_*.status is ours',
    'Backend_*.taxonomyId is ours',
  ],
  'Operations have limits, CORS, response validation and a log of their own': [
    'Backend_Operation.options is ours',
    'model Backend_Operation_Options is ours',
    'model Backend_Operation_Options_* is ours',
  ],
  'Rates say how exact they are, and what they do when the limiter is out of reach': [
    'Backend_Rate.mode is ours',
    'Backend_Rate.onError is ours',
  ],
  'Webhooks are signed, tried for days and guarded': [
    ...['challenge', 'concurrency', 'disabled', 'format', 'mode', 'orderBy', 'rate', 'verified'],
  ].map((member) => `Backend_Webhook.${member} is ours`),
  'Members that Fusio shows elsewhere or not at all': [
    'Backend_Action.date is ours',
    'Backend_Bundle.metadata is ours',
    'Backend_Page.date is ours',
    'Backend_Schema.form is ours',
    'Backend_User.externalId is ours',
  ],
  'A node of the taxonomy names what is at it': [
    ...['actions', 'cronjobs', 'events', 'operations', 'schemas', 'triggers'],
  ].map((member) => `Backend_Taxonomy.${member} is ours`),
  'Commits can be looked at, compared and restored': [
    'operation backend.*.compareCommits is ours',
    'operation backend.*.getCommit is ours',
    'operation backend.*.restoreCommit is ours',
    'model Backend_CommitComparison is ours',
    'model Backend_CommitDifference is ours',
  ],
  'The configuration has revisions, and is deployed as one': [
    'operation backend.revision.* is ours',
    'operation backend.deploy.* is ours',
    'operation backend.upload.putPart is ours',
    'model Backend_Revision* is ours',
    'model Backend_Deploy* is ours',
  ],
  'Tokens of anybody can be ended': ['operation backend.token.delete is ours'],
  'Deliveries can be looked at, tried and replayed': [
    'operation backend.trigger.* is ours',
    'operation *.webhook.* is ours',
    'model Backend_Trigger* is ours',
    'model *_Webhook* is ours',
  ],
  'Answers that say more than Fusio’s': [
    'Backend_GeneratorProviderChangelog.* is ours',
    'Backend_Firewall.confirm is ours',
    'backend.test.refresh.categoryId is ours',
    'backend.test.run.confirm is ours',
    'backend.test.run.testId is ours',
    'Backend_Log.* is ours',
    'Backend_LogError.* is ours',
    'backend.log.get.path differs',
    'Backend_RateAllocation.rateId is ours',
    'Backend_ScopeOperation.scopeId is ours',
    'Common_FormElement.secret is ours',
    'Consumer_Event.status is ours',
    'Consumer_Page.date is ours',
    'Consumer_UserAccount.roleId is ours',
    'Consumer_Webhook.* is ours',
    'System_HealthCheck.checks is ours',
    'model System_HealthState is ours',
  ],
  'The users’ own tables have migrations': [
    'operation backend.connection.database.getMigrations is ours',
    'operation backend.connection.database.migrate is ours',
    'model Backend_ConnectionDatabaseMigrate* is ours',
  ],
  'A rate tells how it stands': ['operation backend.rate.report is ours', 'model Backend_RateReport* is ours'],
  'Work that goes on after an answer can be asked for': [
    'operation system.run.get is ours',
    'model System_Run* is ours',
  ],
  'Cronjobs have a clock, policies and runs': [
    ...['missed', 'missedLimit', 'nextDates', 'overlap', 'timeout', 'timezone'].map(
      (member) => `Backend_Cronjob.${member} is ours`,
    ),
    'operation backend.cronjob.* is ours',
    'model Backend_CronjobGetRuns* is ours',
    'model Backend_CronjobRun* is ours',
  ],
  'Cleaning up can be asked for, and shows what it did': [
    'operation backend.clean.run is ours',
    'operation backend.job.getAll is ours',
    'operation backend.backup.getAll is ours',
    'model Backend_BackupGetAll* is ours',
    'model Backend_CleanRun* is ours',
  ],
  'Users of another system can be brought along': [
    'operation backend.user.import is ours',
    'model Backend_UserImport* is ours',
  ],
  'Documents are operations as everything else': ['operation system.generate is ours'],
};
