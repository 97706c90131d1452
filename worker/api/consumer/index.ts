import type { SystemOperation } from '../../core/system-operation.ts';
import { accountOperations } from '../backend/account.ts';
import { consumerAgentOperations } from './agent.ts';
import { consumerAppOperations } from './app.ts';
import { consumerEventOperations } from './event.ts';
import { consumerFormOperations } from './form.ts';
import { consumerGrantOperations } from './grant.ts';
import { consumerIdentityOperations } from './identity.ts';
import { consumerLogOperations } from './log.ts';
import { consumerPageOperations } from './page.ts';
import { consumerPlanOperations } from './plan.ts';
import { consumerScopeOperations } from './scope.ts';
import { consumerTokenOperations } from './token.ts';
import { consumerTransactionOperations } from './transaction.ts';
import { consumerWebhookOperations } from './webhook.ts';

/** What users of the API do with their own account, apps, tokens and webhooks. */
export const consumerOperations: readonly SystemOperation[] = [
  ...accountOperations('consumer'),
  ...consumerAgentOperations,
  ...consumerAppOperations,
  ...consumerEventOperations,
  ...consumerFormOperations,
  ...consumerGrantOperations,
  ...consumerIdentityOperations,
  ...consumerLogOperations,
  ...consumerPageOperations,
  ...consumerPlanOperations,
  ...consumerScopeOperations,
  ...consumerTokenOperations,
  ...consumerTransactionOperations,
  ...consumerWebhookOperations,
];
