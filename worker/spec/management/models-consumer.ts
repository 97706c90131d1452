/** What the operations under /consumer take and give, by the names that Fusio's clients know; the notation is notation.ts's. */
export const consumerModels = `
Consumer_Agent { id integer, name string, description string }
Consumer_AgentCollection < Common_Collection<T=Consumer_Agent>
Consumer_AgentMessage { id integer, chatId string, role string, item Agent_Item, insertDate string:date-time }
Consumer_AgentMessageCollection < Common_Collection<T=Consumer_AgentMessage>
Consumer_App { id integer, userId integer, status integer, name string, url string, appKey string, appSecret string,
  date string, scopes [string], metadata Common_Metadata }
Consumer_AppCollection < Common_Collection<T=Consumer_App>
Consumer_AppCreate { name string, url string, scopes [string] }
Consumer_AppUpdate { name string, url string, scopes [string] }
Consumer_AuthorizeMeta { name string, url string, scopes [Consumer_Scope] }
Consumer_AuthorizeRequest { responseType string, clientId string, redirectUri string, scope string, state string,
  allow boolean }
Consumer_AuthorizeResponse { type string, code string, error string, state string, redirectUri string }
Consumer_Event { id integer, name string, description string, metadata Common_Metadata }
Consumer_EventCollection < Common_Collection<T=Consumer_Event>
Consumer_Form { id integer, name string, action string, method string, jsonSchema any, uiSchema any,
  metadata Common_Metadata }
Consumer_FormCollection < Common_Collection<T=Consumer_Form>
Consumer_Grant { id integer, app Consumer_App, createDate string:date-time }
Consumer_GrantCollection < Common_Collection<T=Consumer_Grant>
Consumer_Identity { id integer, name string, icon string, redirect string }
Consumer_IdentityCollection < Common_Collection<T=Consumer_Identity>
Consumer_Log { id integer, appId integer, ip string, userAgent string, method string, path string, header string,
  body string, date string:date-time }
Consumer_LogCollection < Common_Collection<T=Consumer_Log>
Consumer_Page { id integer, title string, slug string, content string, metadata Common_Metadata }
Consumer_PageCollection < Common_Collection<T=Consumer_Page>
Consumer_PaymentCheckoutRequest { planId integer, returnUrl string }
Consumer_PaymentCheckoutResponse { approvalUrl string }
Consumer_PaymentPortalRequest { returnUrl string }
Consumer_PaymentPortalResponse { redirectUrl string }
Consumer_Plan { id integer, name string, description string, price number, points integer, period integer,
  metadata Common_Metadata }
Consumer_PlanCollection < Common_Collection<T=Consumer_Plan>
Consumer_Scope { id integer, name string, description string, metadata Common_Metadata }
Consumer_ScopeCategories { categories [Consumer_ScopeCategory] }
Consumer_ScopeCategory { id integer, name string, scopes [Consumer_ScopeCategoryScope] }
Consumer_ScopeCategoryScope { id integer, name string, description string }
Consumer_ScopeCollection < Common_Collection<T=Consumer_Scope>
Consumer_Token { id integer, status integer, name string, scopes [string], ip string, expire string:date,
  date string:date-time }
Consumer_TokenAccessToken { access_token string, token_type string, expires_in integer, refresh_token string,
  scope string }
Consumer_TokenCollection < Common_Collection<T=Consumer_Token>
Consumer_TokenCreate { name string, scopes [string], expire string:date }
Consumer_TokenUpdate { name string, expire string:date }
Consumer_Transaction { id integer, userId integer, planId integer, plan Consumer_Plan, transactionId string,
  amount number, points number, periodStart string:date-time, periodEnd string:date-time, insertDate string:date-time
  }
Consumer_TransactionCollection < Common_Collection<T=Consumer_Transaction>
Consumer_UserAccount { id integer, planId integer, status integer, name string, email string, points integer,
  scopes [string], plans [Consumer_UserPlan], metadata Common_Metadata, date string:date-time }
Consumer_UserActivate { token string }
Consumer_UserEmail { email string, captcha string }
Consumer_UserJWT { token string, expires_in integer, refresh_token string, scope string }
Consumer_UserLogin { username string, password string, scopes [string] }
Consumer_UserPasswordReset { token string, newPassword string }
Consumer_UserPlan { id integer, name string, price integer, points integer, period integer }
Consumer_UserRefresh { refresh_token string }
Consumer_UserRegister { name string, email string, password string, captcha string }
Consumer_Webhook { id integer, status integer, event string, name string, endpoint string,
  responses [Consumer_WebhookResponse] }
Consumer_WebhookCollection < Common_Collection<T=Consumer_Webhook>
Consumer_WebhookCreate { event string, name string, endpoint string }
Consumer_WebhookResponse { status integer, code integer, attempts string, executeDate string }
Consumer_WebhookUpdate { event string, name string, endpoint string }
`;
