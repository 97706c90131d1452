/** What operations take and give that Fusio does not have; the notation is notation.ts's. */
export const ownModels = `
Backend_CommitComparison { from string, to string, differences [Backend_CommitDifference] }
Backend_CommitDifference { pointer string, before any, after any }
Backend_DeployChange { resource string, verb string, key string, data {any} }
Backend_DeployRequest { changes [Backend_DeployChange], prune [string], plan boolean, message string, upload string }
Backend_DeployResult { revision integer, results [Backend_RevisionResult] }
Backend_Revision { revision integer, hash string, userId integer, message string, changeCount integer,
  changes [Backend_RevisionChange], date string:date-time }
Backend_RevisionChange { verb string, resource string, name string }
Backend_RevisionCollection < Common_Collection<T=Backend_Revision>
Backend_RevisionComparison { from integer, to integer, differences [Backend_RevisionResult] }
Backend_RevisionResult { resource string, verb string, id integer, name string, difference {[any]} }
Backend_RevisionRollback { plan boolean }
System_HealthState = {any}
`;

/** Members that models of Fusio's have here in addition; the notation is notation.ts's. */
export const furtherMembers = `
Backend_AuditCollection { totalIsMinimum boolean, searchedSince string:date-time }
Backend_LogCollection { totalIsMinimum boolean, searchedSince string:date-time, after integer }
Backend_LogErrorCollection { totalIsMinimum boolean }
Backend_TokenCollection { totalIsMinimum boolean, searchedSince string:date-time }
Backend_TransactionCollection { totalIsMinimum boolean, searchedSince string:date-time }
Consumer_LogCollection { totalIsMinimum boolean, searchedSince string:date-time }
Backend_GeneratorProviderChangelog { warnings [string], counts {{integer}} }
Backend_Log { operationId integer, operationName string, appId integer, userId integer, requestId string,
  responseCode integer, errorCode string, executionTime integer, upstreamTime integer, revision integer, points integer,
  explain {any} }
Backend_Firewall { confirm boolean }
Backend_LogError { requestId string, count integer }
Backend_RateAllocation { rateId integer }
Backend_ScopeOperation { id integer, scopeId integer }
Backend_Token { scope [string] }
Consumer_App { tokens [Backend_Token] }
Backend_StatisticChart { note string, source string }
Backend_StatisticChartSeries { error [number] }
Backend_StatisticCount { error integer, source string, note string }
Common_FormElement { secret boolean }
Consumer_Event { status integer }
Consumer_Page { date string:date-time }
Consumer_UserAccount { roleId integer }
Consumer_Webhook { mode string, format string, concurrency integer, rate integer, orderBy string, challenge boolean,
  verified string:date-time, disabled string, health {any} }
System_HealthCheck { checks {System_HealthState} }
`;
