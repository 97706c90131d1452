/** What the operations under /backend take and give, by the names that Fusio's clients know; the notation is notation.ts's. */
export const backendModels = `
Backend_AccountChangePassword { oldPassword string, newPassword string, verifyPassword string }
Backend_Action { id integer, status integer, name string, class string, async boolean, config Backend_ActionConfig,
  metadata Common_Metadata }
Backend_ActionCollection < Common_Collection<T=Backend_Action>
Backend_ActionCommit { id integer, user Backend_User, commitHash string, config Backend_ActionConfig,
  insertDate string:date-time }
Backend_ActionCommitCollection < Common_Collection<T=Backend_ActionCommit>
Backend_ActionConfig = {any}
Backend_ActionCreate < Backend_Action
Backend_ActionExecuteRequest { method string, uriFragments string, parameters string, headers string,
  body Backend_ActionExecuteRequestBody }
Backend_ActionExecuteRequestBody = {any}
Backend_ActionExecuteResponse { statusCode integer, headers Backend_ActionExecuteResponseHeaders,
  body Backend_ActionExecuteResponseBody }
Backend_ActionExecuteResponseBody = {any}
Backend_ActionExecuteResponseHeaders = {string}
Backend_ActionIndex { actions [Backend_ActionIndexEntry] }
Backend_ActionIndexEntry { name string, class string }
Backend_ActionUpdate < Backend_Action
Backend_Agent { id integer, connection integer, type integer, public boolean, name string, description string,
  introduction string, temperature number, costs integer, tools [string], outgoing string, action string,
  insertDate string:date-time, metadata Common_Metadata }
Backend_AgentCollection < Common_Collection<T=Backend_Agent>
Backend_AgentCreate < Backend_Agent
Backend_AgentMessage { id integer, chatId string, role string, item Agent_Item, insertDate string:date-time }
Backend_AgentMessageCollection < Common_Collection<T=Backend_AgentMessage>
Backend_AgentTool { name string, description string }
Backend_AgentTools { tools [Backend_AgentTool] }
Backend_AgentUpdate < Backend_Agent
Backend_App { id integer, userId integer, status integer, name string, url string, parameters string, appKey string,
  appSecret string, metadata Common_Metadata, date string:date-time, scopes [string], tokens [Backend_Token] }
Backend_AppCollection < Common_Collection<T=Backend_App>
Backend_AppCreate < Backend_App
Backend_AppUpdate < Backend_App
Backend_Audit { id integer, app Backend_App, user Backend_User, event string, ip string, message string,
  content Backend_AuditObject, date string:date-time }
Backend_AuditCollection < Common_Collection<T=Backend_Audit>
Backend_AuditObject = {any}
Backend_BackupExport { export string }
Backend_BackupImport { import string }
Backend_BackupImportResult { success boolean, message string, logs [string] }
Backend_Bundle { id integer, name string, version string, icon string, summary string, description string,
  cost integer, config Backend_BundleConfig }
Backend_BundleCollection < Common_Collection<T=Backend_Bundle>
Backend_BundleConfig = {any}
Backend_BundleCreate < Backend_Bundle
Backend_BundleUpdate < Backend_Bundle
Backend_Category { id integer, name string }
Backend_CategoryCollection < Common_Collection<T=Backend_Category>
Backend_CategoryCreate < Backend_Category
Backend_CategoryUpdate < Backend_Category
Backend_Config { id integer, type integer, name string, description string, value any }
Backend_ConfigCollection < Common_Collection<T=Backend_Config>
Backend_ConfigUpdate < Backend_Config
Backend_Connection { id integer, name string, class string, oauth2 boolean, config Backend_ConnectionConfig,
  metadata Common_Metadata }
Backend_ConnectionCollection < Common_Collection<T=Backend_Connection>
Backend_ConnectionConfig = {any}
Backend_ConnectionCreate < Backend_Connection
Backend_ConnectionIndex { connections [Backend_ConnectionIndexEntry] }
Backend_ConnectionIndexEntry { name string, class string }
Backend_ConnectionRedirectResponse { redirectUri string }
Backend_ConnectionUpdate < Backend_Connection
Backend_Cronjob { id integer, name string, cron string, action string, executeDate string:date-time, exitCode integer,
  metadata Common_Metadata, errors [Backend_CronjobError] }
Backend_CronjobCollection < Common_Collection<T=Backend_Cronjob>
Backend_CronjobCreate < Backend_Cronjob
Backend_CronjobError { message string, trace string, file string, line integer }
Backend_CronjobUpdate < Backend_Cronjob
Backend_Dashboard { errorsPerOperation Backend_StatisticChart, incomingRequests Backend_StatisticChart,
  incomingTransactions Backend_StatisticChart, mostUsedOperations Backend_StatisticChart,
  timePerOperation Backend_StatisticChart, testCoverage Backend_StatisticChart,
  mostUsedActivities Backend_StatisticChart, activitiesPerUser Backend_StatisticChart,
  userRegistrations Backend_StatisticChart }
Backend_DatabaseRow = {any}
Backend_DatabaseRowCollection < Common_Collection<T=Backend_DatabaseRow>
Backend_DatabaseTable { name string, columns [Backend_DatabaseTableColumn], primaryKey string,
  indexes [Backend_DatabaseTableIndex], foreignKeys [Backend_DatabaseTableForeignKeyConstraint] }
Backend_DatabaseTableCollection < Common_Collection<T=Backend_DatabaseTable>
Backend_DatabaseTableColumn { name string, type string, length integer, precision integer, scale integer,
  unsigned boolean, fixed boolean, notNull boolean, autoIncrement boolean, default any, comment string }
Backend_DatabaseTableForeignKeyConstraint { name string, foreignTable string, localColumnNames [string],
  foreignColumnNames [string] }
Backend_DatabaseTableIndex { name string, unique boolean, columns [string] }
Backend_Event { id integer, name string, description string, schema string, metadata Common_Metadata }
Backend_EventCollection < Common_Collection<T=Backend_Event>
Backend_EventCreate < Backend_Event
Backend_EventUpdate < Backend_Event
Backend_File { id string, name string, contentType string, checksum string, lastModified string:date-time }
Backend_FileCollection < Common_Collection<T=Backend_File>
Backend_Firewall { id integer, name string, type integer, ip string, expire string:date-time, metadata Common_Metadata
  }
Backend_FirewallCollection < Common_Collection<T=Backend_Firewall>
Backend_FirewallCreate < Backend_Firewall
Backend_FirewallUpdate < Backend_Firewall
Backend_Form { id integer, status integer, name string, operationId integer, uiSchema any, metadata Common_Metadata }
Backend_FormCollection < Common_Collection<T=Backend_Form>
Backend_FormCreate < Backend_Form
Backend_FormUpdate < Backend_Form
Backend_GeneratorIndexProvider { name string, class string }
Backend_GeneratorIndexProviders { providers [Backend_GeneratorIndexProvider] }
Backend_GeneratorProvider { path string, scopes [string], public boolean, config Backend_GeneratorProviderConfig }
Backend_GeneratorProviderChangelog { schemas [Backend_Schema], actions [Backend_Action],
  operations [Backend_Operation] }
Backend_GeneratorProviderConfig = {any}
Backend_HttpRequest { method string, uri string, headers {string}, body string }
Backend_HttpResponse { statusCode integer, headers {string}, body string }
Backend_Identity { id integer, appId integer, roleId integer, name string, icon string, class string,
  config Backend_IdentityConfig, allowCreate boolean }
Backend_IdentityCollection < Common_Collection<T=Backend_Identity>
Backend_IdentityConfig = {any}
Backend_IdentityCreate < Backend_Identity
Backend_IdentityIndex { providers [Backend_IdentityIndexEntry] }
Backend_IdentityIndexEntry { name string, class string }
Backend_IdentityUpdate < Backend_Identity
Backend_Log { id integer, ip string, userAgent string, method string, path string, header string, body string,
  date string:date-time, errors [Backend_LogError] }
Backend_LogCollection < Common_Collection<T=Backend_Log>
Backend_LogError { id integer, logId integer, message string, trace string, file string, line integer,
  insertDate string:date-time }
Backend_LogErrorCollection < Common_Collection<T=Backend_LogError>
Backend_Operation { id integer, status integer, active boolean, public boolean, stability integer, description string,
  httpMethod string, httpPath string, httpCode integer, name string, parameters Backend_OperationParameters,
  incoming string, outgoing string, throws Backend_OperationThrows, action string, costs integer, scopes [string],
  metadata Common_Metadata }
Backend_OperationCollection < Common_Collection<T=Backend_Operation>
Backend_OperationCreate < Backend_Operation
Backend_OperationParameters = {Backend_OperationSchema}
Backend_OperationSchema { description string, type string, format string, enum string }
Backend_OperationThrows = {string}
Backend_OperationUpdate < Backend_Operation
Backend_Page { id integer, status integer, title string, slug string, content string, metadata Common_Metadata }
Backend_PageCollection < Common_Collection<T=Backend_Page>
Backend_PageCreate < Backend_Page
Backend_PageUpdate < Backend_Page
Backend_Plan { id integer, name string, description string, price number, points integer, period integer,
  externalId string, scopes [string], metadata Common_Metadata }
Backend_PlanCollection < Common_Collection<T=Backend_Plan>
Backend_PlanCreate < Backend_Plan
Backend_PlanUpdate < Backend_Plan
Backend_Rate { id integer, priority integer, name string, rateLimit integer, timespan string,
  allocation [Backend_RateAllocation], metadata Common_Metadata }
Backend_RateAllocation { id integer, operationId integer, userId integer, planId integer, appId integer,
  authenticated boolean }
Backend_RateCollection < Common_Collection<T=Backend_Rate>
Backend_RateCreate < Backend_Rate
Backend_RateUpdate < Backend_Rate
Backend_Role { id integer, categoryId integer, name string, scopes [string] }
Backend_RoleCollection < Common_Collection<T=Backend_Role>
Backend_RoleCreate < Backend_Role
Backend_RoleUpdate < Backend_Role
Backend_Schema { id integer, status integer, name string, source Backend_SchemaSource, metadata Common_Metadata }
Backend_SchemaCollection < Common_Collection<T=Backend_Schema>
Backend_SchemaCommit { id integer, user Backend_User, commitHash string, schema Backend_SchemaSource,
  insertDate string:date-time }
Backend_SchemaCommitCollection < Common_Collection<T=Backend_SchemaCommit>
Backend_SchemaCreate < Backend_Schema
Backend_SchemaForm = {any}
Backend_SchemaPreviewResponse { preview string }
Backend_SchemaSource = {any}
Backend_SchemaUpdate < Backend_Schema
Backend_Scope { id integer, name string, description string, operations [Backend_ScopeOperation],
  metadata Common_Metadata }
Backend_ScopeCategories { categories [Backend_ScopeCategory] }
Backend_ScopeCategory { id integer, name string, scopes [Backend_ScopeCategoryScope] }
Backend_ScopeCategoryScope { id integer, name string, description string }
Backend_ScopeCollection < Common_Collection<T=Backend_Scope>
Backend_ScopeCreate < Backend_Scope
Backend_ScopeOperation { operationId integer, allow boolean }
Backend_ScopeUpdate < Backend_Scope
Backend_SdkGenerate { format string, config string }
Backend_SdkMessage { success boolean, message string, link string }
Backend_SdkResponse { types Backend_SdkTypes }
Backend_SdkTypes = {string}
Backend_SpecificationChangelog { master any, tag any, version string, changelog string }
Backend_SpecificationGet { spec any }
Backend_SpecificationPublish { name string, filterName string, standalone boolean }
Backend_StatisticChart { labels [string], series [Backend_StatisticChartSeries] }
Backend_StatisticChartSeries { name string, data [number] }
Backend_StatisticCount { count integer, from string:date-time, to string:date-time }
Backend_Taxonomy { id integer, parentId integer, name string }
Backend_TaxonomyCollection < Common_Collection<T=Backend_Taxonomy>
Backend_TaxonomyCreate < Backend_Taxonomy
Backend_TaxonomyMove { operations [integer], actions [integer], schemas [integer], events [integer],
  cronjobs [integer], triggers [integer] }
Backend_TaxonomyUpdate < Backend_Taxonomy
Backend_Test { id integer, status integer, operationName string, message string, response string,
  config Backend_TestConfig }
Backend_TestCollection < Common_Collection<T=Backend_Test>
Backend_TestConfig < Backend_ActionExecuteRequest
Backend_Token { id integer, status integer, name string, scopes [string], ip string, expire string:date-time,
  date string:date-time }
Backend_TokenCollection < Common_Collection<T=Backend_Token>
Backend_Transaction { id integer, userId integer, planId integer, transactionId string, amount number, points number,
  periodStart string:date-time, periodEnd string:date-time, insertDate string:date-time }
Backend_TransactionCollection < Common_Collection<T=Backend_Transaction>
Backend_TrashData { id integer, status integer, name string }
Backend_TrashDataCollection < Common_Collection<T=Backend_TrashData>
Backend_TrashRestore { id integer }
Backend_TrashTypes { types [string] }
Backend_Trigger { id integer, name string, event string, action string, metadata Common_Metadata }
Backend_TriggerCollection < Common_Collection<T=Backend_Trigger>
Backend_TriggerCreate < Backend_Trigger
Backend_TriggerUpdate < Backend_Trigger
Backend_User { id integer, roleId integer, planId integer, status integer, name string, email string, points integer,
  scopes [string], apps [Backend_App], metadata Common_Metadata, date string:date-time }
Backend_UserCollection < Common_Collection<T=Backend_User>
Backend_UserCreate < Backend_User { password string }
Backend_UserUpdate < Backend_User
Backend_Webhook { id integer, eventId integer, userId integer, name string, endpoint string,
  responses [Backend_WebhookResponse] }
Backend_WebhookCollection < Common_Collection<T=Backend_Webhook>
Backend_WebhookCreate < Backend_Webhook
Backend_WebhookResponse { id integer, status integer, code integer, attempts integer, error string,
  executeDate string:date-time }
Backend_WebhookUpdate < Backend_Webhook
`;
