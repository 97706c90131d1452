import type { CallOperation } from '../core/call.ts';
import { categories, type SystemCatalog, type SystemOperation } from '../core/system-operation.ts';
import { sha256 } from '../lib/hash.ts';
import { createRouter } from '../lib/router.ts';
import { login, refreshLogin } from '../oauth/login.ts';
import { revoke } from '../oauth/revoke.ts';
import { whoami } from '../oauth/whoami.ts';
import { crudOperations } from '../resources/crud.ts';
import { resources } from '../resources/index.ts';
import { trigger } from '../resources/trigger.ts';
import { webhook } from '../resources/webhook.ts';
import { accountOperations } from './backend/account.ts';
import { actionOperations } from './backend/action.ts';
import { agentOperations } from './backend/agent.ts';
import { appOperations } from './backend/app.ts';
import { auditOperations } from './backend/audit.ts';
import { backupOperations } from './backend/backup.ts';
import { cleanOperations } from './backend/clean.ts';
import { connectionOperations } from './backend/connection.ts';
import { cronjobOperations } from './backend/cronjob.ts';
import { deployOperations } from './backend/deploy.ts';
import { generatorOperations } from './backend/generator.ts';
import { identityOperations } from './backend/identity.ts';
import { jobOperations } from './backend/job.ts';
import { logOperations } from './backend/log.ts';
import { notOfferedOperations } from './backend/not-offered.ts';
import { rateOperations } from './backend/rate.ts';
import { revisionOperations } from './backend/revision.ts';
import { schemaOperations } from './backend/schema.ts';
import { scopeOperations } from './backend/scope.ts';
import { specificationOperations } from './backend/specification.ts';
import { statisticOperations } from './backend/statistic.ts';
import { taxonomyOperations } from './backend/taxonomy.ts';
import { tenantOperations } from './backend/tenant.ts';
import { testOperations } from './backend/test.ts';
import { tokenOperations } from './backend/token.ts';
import { transactionOperations } from './backend/transaction.ts';
import { trashOperations } from './backend/trash.ts';
import { uploadOperations } from './backend/upload.ts';
import { userImportOperation } from './backend/user-import.ts';
import { consumerOperations } from './consumer/index.ts';
import { deadLetterOperations } from './dead-letter.ts';
import { laneOperations, webhookLaneOperations } from './lane.ts';
import { laterOperations } from './later.ts';
import { runOperations } from './run.ts';
import { aboutOperations } from './system/about.ts';
import { documentOperations } from './system/generator.ts';
import { healthOperation } from './system/health.ts';
import { metaOperations } from './system/meta.ts';

const built: readonly SystemOperation[] = [
  ...[...resources.values()].flatMap(crudOperations),
  ...accountOperations('backend'),
  ...actionOperations,
  ...agentOperations,
  ...appOperations,
  ...auditOperations,
  ...backupOperations,
  ...cleanOperations,
  ...connectionOperations,
  ...cronjobOperations,
  ...deadLetterOperations,
  ...deployOperations,
  ...generatorOperations,
  ...identityOperations,
  ...jobOperations,
  ...logOperations,
  ...notOfferedOperations,
  ...rateOperations,
  ...revisionOperations,
  ...schemaOperations,
  ...scopeOperations,
  ...specificationOperations,
  ...statisticOperations,
  ...taxonomyOperations,
  ...tenantOperations,
  ...testOperations,
  ...tokenOperations,
  ...transactionOperations,
  ...trashOperations,
  ...uploadOperations,
  userImportOperation,
  ...webhookLaneOperations({ side: 'backend', resource: webhook, kind: 'webhook' }),
  ...laneOperations({ side: 'backend', resource: trigger, kind: 'trigger' }),
  ...consumerOperations,
  ...aboutOperations,
  ...documentOperations,
  healthOperation,
  ...runOperations,
  ...metaOperations,
  login,
  refreshLogin,
  revoke,
  whoami,
];

const names = new Set(built.map(({ name }) => name));

/** Every operation of the platform itself. */
export const systemOperations: readonly SystemOperation[] = [
  ...built,
  ...laterOperations.filter(({ name }) => !names.has(name)),
];

/** Makes the catalogue once per isolate. Two operations at one place are a mistake in the bundle. */
export function createCatalog(operations: readonly SystemOperation[] = systemOperations): SystemCatalog {
  const router = createRouter<CallOperation>();
  const ids = new Set<number>();
  const made: CallOperation[] = [];
  for (const native of operations) {
    const id = systemId(native.name);
    if (ids.has(id)) {
      throw new Error(`The id of ${native.name} is taken: rename it`);
    }
    ids.add(id);
    if (router.conflicts(native.method, native.path).length > 0) {
      throw new Error(`Two system operations at ${native.method} ${native.path}`);
    }
    const operation = standIn(native, id);
    made.push(operation);
    router.add(native.method, native.path, operation);
  }
  return {
    operations: made,
    match(method, segments) {
      const match = router.match(method, segments);
      return match.found ? { found: true, operation: match.value, params: match.params } : match;
    },
  };
}

/** A negative number of its own for each name: log rows and statistics carry it, so that it must not move when operations are added. */
function systemId(name: string): number {
  return -1 - (Number.parseInt(sha256(name).slice(0, 8), 16) % 2_000_000_000);
}

/** A system operation in the shape of a configured one, so that one pipeline serves both. */
function standIn(native: SystemOperation, id: number): CallOperation {
  const category = native.path.split('/')[1] as keyof typeof categories;
  return {
    id,
    category_id: categories[category] ?? categories.default,
    status: 1,
    active: true,
    public: native.scope === null,
    stability: native.stability ?? 2,
    description: native.description,
    http_method: native.method,
    http_path: native.path,
    http_code: native.status ?? 200,
    name: native.name,
    parameters: native.query ?? null,
    incoming: null,
    outgoing: null,
    throws: null,
    action: '',
    costs: 0,
    scopes: native.scope === null ? {} : { [native.scope]: true },
    options: native.options ?? null,
    versions: null,
    metadata: null,
    native,
    record: null,
  };
}
