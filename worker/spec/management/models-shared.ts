/** What more than one room of the management API takes and gives, and what everybody may ask, by the names that Fusio's clients know; the notation is notation.ts's. */
export const sharedModels = `
Agent_Input { previousId string, item Agent_Item }
Agent_Item by type(binary=Agent_ItemBinary, choice=Agent_ItemChoice, object=Agent_ItemObject, text=Agent_ItemText,
  tool_call=Agent_ItemToolCall) { type string, metadata {any} }
Agent_ItemBinary < Agent_Item { mime string, data string }
Agent_ItemChoice < Agent_Item { items [Agent_Item] }
Agent_ItemObject < Agent_Item { payload any }
Agent_ItemText < Agent_Item { content string }
Agent_ItemToolCall < Agent_Item { functions [Agent_ItemToolCallFunction] }
Agent_ItemToolCallFunction { id string, name string, arguments string }
Agent_Output { id string, item Agent_Item }
Common_Collection { totalResults integer, startIndex integer, itemsPerPage integer, entry [$T] }
Common_FormContainer { element [Common_FormElement] }
Common_FormElement by type(checkbox=Common_FormElementCheckbox, collection=Common_FormElementCollection,
  input=Common_FormElementInput, map=Common_FormElementMap, select=Common_FormElementSelect,
  textarea=Common_FormElementTextArea, typeapi=Common_FormElementTypeAPI, typeschema=Common_FormElementTypeSchema) {
  element string, name string, title string, help string }
Common_FormElementCheckbox < Common_FormElement
Common_FormElementCollection < Common_FormElement { type string }
Common_FormElementInput < Common_FormElement { type string }
Common_FormElementMap < Common_FormElement { type string }
Common_FormElementSelect < Common_FormElement { options [Common_FormElementSelectOption] }
Common_FormElementSelectOption { key string, value string }
Common_FormElementTextArea < Common_FormElement { mode string }
Common_FormElementTypeAPI < Common_FormElement
Common_FormElementTypeSchema < Common_FormElement
Common_Message { success boolean, message string, id string }
Common_Metadata = {string}
MarketplaceAction < MarketplaceObject { class string, config MarketplaceActionConfig }
MarketplaceActionCollection < MarketplaceCollection<T=MarketplaceAction>
MarketplaceActionConfig = {any}
MarketplaceApp < MarketplaceObject { scopes [string], downloadUrl string, hash string }
MarketplaceAppCollection < MarketplaceCollection<T=MarketplaceApp>
MarketplaceBundle < MarketplaceObject { config MarketplaceBundleConfig }
MarketplaceBundleAction { name string, class string, config MarketplaceBundleActionConfig }
MarketplaceBundleActionConfig = {any}
MarketplaceBundleCollection < MarketplaceCollection<T=MarketplaceBundle>
MarketplaceBundleConfig { actions [MarketplaceBundleAction], schemas [MarketplaceBundleSchema],
  events [MarketplaceBundleEvent], cronjobs [MarketplaceBundleCronjob], triggers [MarketplaceBundleTrigger] }
MarketplaceBundleCronjob { name string, cron string, action string }
MarketplaceBundleEvent { name string, description string, schema string }
MarketplaceBundleSchema { name string, source MarketplaceBundleSchemaSource }
MarketplaceBundleSchemaSource = {any}
MarketplaceBundleTrigger { name string, event string, action string }
MarketplaceCollection { totalResults integer, startIndex integer, itemsPerPage integer, entry [$T] }
MarketplaceInstall { name string }
MarketplaceMessage { success boolean, message string, id string }
MarketplaceObject { id integer, name string, author MarketplaceUser, version string, icon string, summary string,
  description string, cost integer, updateDate string:date-time, insertDate string:date-time }
MarketplaceUser { id integer, name string, verified boolean }
Passthru = {any}
System_About { apiVersion string, title string, description string, termsOfService string, contactName string,
  contactUrl string, contactEmail string, licenseName string, licenseUrl string, paymentCurrency string,
  categories [string], scopes [string], apps System_AboutApps, links [System_AboutLink] }
System_AboutApps = {string}
System_AboutLink { rel string, href string }
System_HealthCheck { healthy boolean, error string }
System_Route { routes System_RoutePath }
System_RouteMethod = {string}
System_RoutePath = {System_RouteMethod}
System_Schema { schema System_SchemaTypeSchema, form System_SchemaForm }
System_SchemaForm = {any}
System_SchemaTypeSchema = {any}
`;
