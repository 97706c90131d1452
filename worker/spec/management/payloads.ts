/**
 * Which model an operation takes and gives, by Fusio's names: `name: Request -> Response`, one a line. A media type stands for
 * a payload that is no JSON.
 */
export const payloads = `
authorization.getWhoami: -> Backend_User
authorization.revoke: -> Common_Message
backend.account.changePassword: Backend_AccountChangePassword -> Common_Message
backend.account.get: -> Backend_User
backend.account.update: Backend_UserUpdate -> Common_Message
backend.action.compareCommits: -> Backend_CommitComparison
backend.action.create: Backend_ActionCreate -> Common_Message
backend.action.delete: -> Common_Message
backend.action.execute: Backend_ActionExecuteRequest -> Backend_ActionExecuteResponse
backend.action.get: -> Backend_Action
backend.action.getAll: -> Backend_ActionCollection
backend.action.getClasses: -> Backend_ActionIndex
backend.action.getCommit: -> Backend_ActionCommit
backend.action.getCommits: -> Backend_ActionCommitCollection
backend.action.getForm: -> Common_FormContainer
backend.action.restoreCommit: -> Common_Message
backend.action.update: Backend_ActionUpdate -> Common_Message
backend.agent.create: Backend_AgentCreate -> Common_Message
backend.agent.delete: -> Common_Message
backend.agent.get: -> Backend_Agent
backend.agent.getAll: -> Backend_AgentCollection
backend.agent.getTools: -> Backend_AgentTools
backend.agent.message.getAll: -> Backend_AgentMessageCollection
backend.agent.message.submit: Agent_Input -> Agent_Output
backend.agent.update: Backend_AgentUpdate -> Common_Message
backend.app.create: Backend_AppCreate -> Common_Message
backend.app.delete: -> Common_Message
backend.app.deleteToken: -> Common_Message
backend.app.get: -> Backend_App
backend.app.getAll: -> Backend_AppCollection
backend.app.update: Backend_AppUpdate -> Common_Message
backend.audit.get: -> Backend_Audit
backend.audit.getAll: -> Backend_AuditCollection
backend.backup.export: -> Backend_BackupExport
backend.backup.import: Backend_BackupImport -> Backend_BackupImportResult
backend.bundle.create: Backend_BundleCreate -> Common_Message
backend.bundle.delete: -> Common_Message
backend.bundle.get: -> Backend_Bundle
backend.bundle.getAll: -> Backend_BundleCollection
backend.bundle.publish: -> Common_Message
backend.bundle.update: Backend_BundleUpdate -> Common_Message
backend.category.create: Backend_CategoryCreate -> Common_Message
backend.category.delete: -> Common_Message
backend.category.get: -> Backend_Category
backend.category.getAll: -> Backend_CategoryCollection
backend.category.update: Backend_CategoryUpdate -> Common_Message
backend.config.get: -> Backend_Config
backend.config.getAll: -> Backend_ConfigCollection
backend.config.update: Backend_ConfigUpdate -> Common_Message
backend.connection.agent.send: Agent_Input -> Agent_Output
backend.connection.create: Backend_ConnectionCreate -> Common_Message
backend.connection.database.createRow: Backend_DatabaseRow -> Common_Message
backend.connection.database.createTable: Backend_DatabaseTable -> Common_Message
backend.connection.database.deleteRow: -> Common_Message
backend.connection.database.deleteTable: -> Common_Message
backend.connection.database.getRow: -> Backend_DatabaseRow
backend.connection.database.getRows: -> Backend_DatabaseRowCollection
backend.connection.database.getTable: -> Backend_DatabaseTable
backend.connection.database.getTables: -> Backend_DatabaseTableCollection
backend.connection.database.updateRow: Backend_DatabaseRow -> Common_Message
backend.connection.database.updateTable: Backend_DatabaseTable -> Common_Message
backend.connection.delete: -> Common_Message
backend.connection.filesystem.create: multipart/form-data -> Common_Message
backend.connection.filesystem.delete: -> Common_Message
backend.connection.filesystem.get: -> application/octet-stream
backend.connection.filesystem.getAll: -> Backend_FileCollection
backend.connection.filesystem.update: multipart/form-data -> Common_Message
backend.connection.get: -> Backend_Connection
backend.connection.getAll: -> Backend_ConnectionCollection
backend.connection.getClasses: -> Backend_ConnectionIndex
backend.connection.getForm: -> Common_FormContainer
backend.connection.getRedirect: -> Backend_ConnectionRedirectResponse
backend.connection.http.execute: Backend_HttpRequest -> Backend_HttpResponse
backend.connection.sdk.get: -> Passthru
backend.connection.update: Backend_ConnectionUpdate -> Common_Message
backend.cronjob.create: Backend_CronjobCreate -> Common_Message
backend.cronjob.delete: -> Common_Message
backend.cronjob.get: -> Backend_Cronjob
backend.cronjob.getAll: -> Backend_CronjobCollection
backend.cronjob.update: Backend_CronjobUpdate -> Common_Message
backend.dashboard.getAll: -> Backend_Dashboard
backend.deploy.apply: Backend_DeployRequest -> Backend_DeployResult
backend.deploy.export: -> Passthru
backend.event.create: Backend_EventCreate -> Common_Message
backend.event.delete: -> Common_Message
backend.event.get: -> Backend_Event
backend.event.getAll: -> Backend_EventCollection
backend.event.update: Backend_EventUpdate -> Common_Message
backend.firewall.create: Backend_FirewallCreate -> Common_Message
backend.firewall.delete: -> Common_Message
backend.firewall.get: -> Backend_Firewall
backend.firewall.getAll: -> Backend_FirewallCollection
backend.firewall.update: Backend_FirewallUpdate -> Common_Message
backend.form.create: Backend_FormCreate -> Common_Message
backend.form.delete: -> Common_Message
backend.form.get: -> Backend_Form
backend.form.getAll: -> Backend_FormCollection
backend.form.update: Backend_FormUpdate -> Common_Message
backend.generator.executeProvider: Backend_GeneratorProvider -> Common_Message
backend.generator.getChangelog: Backend_GeneratorProviderConfig -> Backend_GeneratorProviderChangelog
backend.generator.getClasses: -> Backend_GeneratorIndexProviders
backend.generator.getForm: -> Common_FormContainer
backend.identity.create: Backend_IdentityCreate -> Common_Message
backend.identity.delete: -> Common_Message
backend.identity.get: -> Backend_Identity
backend.identity.getAll: -> Backend_IdentityCollection
backend.identity.getClasses: -> Backend_IdentityIndex
backend.identity.getForm: -> Common_FormContainer
backend.identity.update: Backend_IdentityUpdate -> Common_Message
backend.log.get: -> Backend_Log
backend.log.getAll: -> Backend_LogCollection
backend.log.getAllErrors: -> Backend_LogErrorCollection
backend.log.getError: -> Backend_LogError
backend.marketplace.action.get: -> MarketplaceAction
backend.marketplace.action.getAll: -> MarketplaceActionCollection
backend.marketplace.action.install: MarketplaceInstall -> MarketplaceMessage
backend.marketplace.action.upgrade: -> Common_Message
backend.marketplace.app.get: -> MarketplaceApp
backend.marketplace.app.getAll: -> MarketplaceAppCollection
backend.marketplace.app.install: MarketplaceInstall -> MarketplaceMessage
backend.marketplace.app.upgrade: -> MarketplaceMessage
backend.marketplace.bundle.get: -> MarketplaceBundle
backend.marketplace.bundle.getAll: -> MarketplaceBundleCollection
backend.marketplace.bundle.install: MarketplaceInstall -> MarketplaceMessage
backend.marketplace.bundle.upgrade: -> MarketplaceMessage
backend.operation.create: Backend_OperationCreate -> Common_Message
backend.operation.delete: -> Common_Message
backend.operation.get: -> Backend_Operation
backend.operation.getAll: -> Backend_OperationCollection
backend.operation.update: Backend_OperationUpdate -> Common_Message
backend.page.create: Backend_PageCreate -> Common_Message
backend.page.delete: -> Common_Message
backend.page.get: -> Backend_Page
backend.page.getAll: -> Backend_PageCollection
backend.page.update: Backend_PageUpdate -> Common_Message
backend.plan.create: Backend_PlanCreate -> Common_Message
backend.plan.delete: -> Common_Message
backend.plan.get: -> Backend_Plan
backend.plan.getAll: -> Backend_PlanCollection
backend.plan.update: Backend_PlanUpdate -> Common_Message
backend.rate.create: Backend_RateCreate -> Common_Message
backend.rate.delete: -> Common_Message
backend.rate.get: -> Backend_Rate
backend.rate.getAll: -> Backend_RateCollection
backend.rate.update: Backend_RateUpdate -> Common_Message
backend.revision.compare: -> Backend_RevisionComparison
backend.revision.get: -> Backend_Revision
backend.revision.getAll: -> Backend_RevisionCollection
backend.revision.rollback: Backend_RevisionRollback -> Backend_DeployResult
backend.role.create: Backend_RoleCreate -> Common_Message
backend.role.delete: -> Common_Message
backend.role.get: -> Backend_Role
backend.role.getAll: -> Backend_RoleCollection
backend.role.update: Backend_RoleUpdate -> Common_Message
backend.schema.compareCommits: -> Backend_CommitComparison
backend.schema.create: Backend_SchemaCreate -> Common_Message
backend.schema.delete: -> Common_Message
backend.schema.get: -> Backend_Schema
backend.schema.getAll: -> Backend_SchemaCollection
backend.schema.getCommit: -> Backend_SchemaCommit
backend.schema.getCommits: -> Backend_SchemaCommitCollection
backend.schema.getPreview: -> Backend_SchemaPreviewResponse
backend.schema.restoreCommit: -> Common_Message
backend.schema.update: Backend_SchemaUpdate -> Common_Message
backend.schema.updateForm: Backend_SchemaForm -> Common_Message
backend.scope.create: Backend_ScopeCreate -> Common_Message
backend.scope.delete: -> Common_Message
backend.scope.get: -> Backend_Scope
backend.scope.getAll: -> Backend_ScopeCollection
backend.scope.getCategories: -> Backend_ScopeCategories
backend.scope.update: Backend_ScopeUpdate -> Common_Message
backend.sdk.generate: Backend_SdkGenerate -> Backend_SdkMessage
backend.sdk.getAll: -> Backend_SdkResponse
backend.specification.get: -> Backend_SpecificationGet
backend.specification.getChangelog: -> Backend_SpecificationChangelog
backend.specification.publish: Backend_SpecificationPublish -> Common_Message
backend.specification.tag: Passthru -> Common_Message
backend.statistic.getActivitiesPerUser: -> Backend_StatisticChart
backend.statistic.getCountRequests: -> Backend_StatisticCount
backend.statistic.getErrorsPerOperation: -> Backend_StatisticChart
backend.statistic.getIncomingRequests: -> Backend_StatisticChart
backend.statistic.getIncomingTransactions: -> Backend_StatisticChart
backend.statistic.getIssuedTokens: -> Backend_StatisticChart
backend.statistic.getMostUsedActivities: -> Backend_StatisticChart
backend.statistic.getMostUsedApps: -> Backend_StatisticChart
backend.statistic.getMostUsedOperations: -> Backend_StatisticChart
backend.statistic.getRequestsPerIP: -> Backend_StatisticChart
backend.statistic.getRequestsPerOperation: -> Backend_StatisticChart
backend.statistic.getRequestsPerUser: -> Backend_StatisticChart
backend.statistic.getTestCoverage: -> Backend_StatisticChart
backend.statistic.getTimeAverage: -> Backend_StatisticChart
backend.statistic.getTimePerOperation: -> Backend_StatisticChart
backend.statistic.getUsedPoints: -> Backend_StatisticChart
backend.statistic.getUserRegistrations: -> Backend_StatisticChart
backend.taxonomy.create: Backend_TaxonomyCreate -> Common_Message
backend.taxonomy.delete: -> Common_Message
backend.taxonomy.get: -> Backend_Taxonomy
backend.taxonomy.getAll: -> Backend_TaxonomyCollection
backend.taxonomy.move: Backend_TaxonomyMove -> Common_Message
backend.taxonomy.update: Backend_TaxonomyUpdate -> Common_Message
backend.tenant.remove: -> Common_Message
backend.test.get: -> Backend_Test
backend.test.getAll: -> Backend_TestCollection
backend.test.refresh: -> Common_Message
backend.test.run: -> Common_Message
backend.test.update: Backend_Test -> Common_Message
backend.token.delete: -> Common_Message
backend.token.get: -> Backend_Token
backend.token.getAll: -> Backend_TokenCollection
backend.transaction.get: -> Backend_Transaction
backend.transaction.getAll: -> Backend_TransactionCollection
backend.trash.getAllByType: -> Backend_TrashDataCollection
backend.trash.getTypes: -> Backend_TrashTypes
backend.trash.restore: Backend_TrashRestore -> Common_Message
backend.trigger.create: Backend_TriggerCreate -> Common_Message
backend.trigger.delete: -> Common_Message
backend.trigger.get: -> Backend_Trigger
backend.trigger.getAll: -> Backend_TriggerCollection
backend.trigger.update: Backend_TriggerUpdate -> Common_Message
backend.upload.putPart: application/octet-stream -> Common_Message
backend.user.create: Backend_UserCreate -> Common_Message
backend.user.delete: -> Common_Message
backend.user.get: -> Backend_User
backend.user.getAll: -> Backend_UserCollection
backend.user.resend: Passthru -> Common_Message
backend.user.update: Backend_UserUpdate -> Common_Message
backend.webhook.create: Backend_WebhookCreate -> Common_Message
backend.webhook.delete: -> Common_Message
backend.webhook.get: -> Backend_Webhook
backend.webhook.getAll: -> Backend_WebhookCollection
backend.webhook.update: Backend_WebhookUpdate -> Common_Message
consumer.account.activate: Consumer_UserActivate -> Common_Message
consumer.account.authorize: Consumer_AuthorizeRequest -> Consumer_AuthorizeResponse
consumer.account.changePassword: Backend_AccountChangePassword -> Common_Message
consumer.account.executePasswordReset: Consumer_UserPasswordReset -> Common_Message
consumer.account.get: -> Consumer_UserAccount
consumer.account.getApp: -> Consumer_AuthorizeMeta
consumer.account.login: Consumer_UserLogin -> Consumer_UserJWT
consumer.account.refresh: Consumer_UserRefresh -> Consumer_UserJWT
consumer.account.register: Consumer_UserRegister -> Common_Message
consumer.account.requestPasswordReset: Consumer_UserEmail -> Common_Message
consumer.account.update: Consumer_UserAccount -> Common_Message
consumer.agent.get: -> Consumer_Agent
consumer.agent.getAll: -> Consumer_AgentCollection
consumer.agent.message.getAll: -> Consumer_AgentMessageCollection
consumer.agent.message.submit: Agent_Input -> Agent_Output
consumer.app.create: Consumer_AppCreate -> Common_Message
consumer.app.delete: -> Common_Message
consumer.app.get: -> Consumer_App
consumer.app.getAll: -> Consumer_AppCollection
consumer.app.update: Consumer_AppUpdate -> Common_Message
consumer.event.get: -> Consumer_Event
consumer.event.getAll: -> Consumer_EventCollection
consumer.form.get: -> Consumer_Form
consumer.form.getAll: -> Consumer_FormCollection
consumer.grant.delete: -> Common_Message
consumer.grant.getAll: -> Consumer_GrantCollection
consumer.identity.exchange: -> Passthru
consumer.identity.getAll: -> Consumer_IdentityCollection
consumer.identity.redirect: -> Passthru
consumer.log.get: -> Consumer_Log
consumer.log.getAll: -> Consumer_LogCollection
consumer.page.get: -> Consumer_Page
consumer.page.getAll: -> Consumer_PageCollection
consumer.payment.checkout: Consumer_PaymentCheckoutRequest -> Consumer_PaymentCheckoutResponse
consumer.payment.portal: Consumer_PaymentPortalRequest -> Consumer_PaymentPortalResponse
consumer.plan.get: -> Consumer_Plan
consumer.plan.getAll: -> Consumer_PlanCollection
consumer.scope.getAll: -> Consumer_ScopeCollection
consumer.scope.getCategories: -> Consumer_ScopeCategories
consumer.token.create: Consumer_TokenCreate -> Consumer_TokenAccessToken
consumer.token.delete: -> Common_Message
consumer.token.get: -> Consumer_Token
consumer.token.getAll: -> Consumer_TokenCollection
consumer.token.update: Consumer_TokenUpdate -> Consumer_TokenAccessToken
consumer.transaction.get: -> Consumer_Transaction
consumer.transaction.getAll: -> Consumer_TransactionCollection
consumer.webhook.create: Consumer_WebhookCreate -> Common_Message
consumer.webhook.delete: -> Common_Message
consumer.webhook.get: -> Consumer_Webhook
consumer.webhook.getAll: -> Consumer_WebhookCollection
consumer.webhook.update: Consumer_WebhookUpdate -> Common_Message
meta.getAbout: -> System_About
system.connection.callback: -> Common_Message
system.generate: -> Passthru
system.meta.getAbout: -> System_About
system.meta.getDebug: Passthru -> Passthru
system.meta.getHealth: -> System_HealthCheck
system.meta.getRoutes: -> System_Route
system.meta.getSchema: -> System_Schema
system.payment.webhook: -> Common_Message
`;
