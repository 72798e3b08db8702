-- Creates an order Abandon, owned by the object: it stands below it in the tree, and goes with it. Argo's own event names the person.
local function given(name)
  if actionParams ~= nil and actionParams[name] ~= nil and actionParams[name] ~= "" then
    return actionParams[name]
  end
  return nil
end
local order = {
  apiVersion = "codeupgrade.dev/v1alpha1",
  kind = "CodeUpgradeOrder",
  metadata = {
    name = "abandon-" .. os.date("!%Y%m%d%H%M%S") .. "-" .. obj.metadata.name,
    namespace = obj.metadata.namespace,
    ownerReferences = {
      {apiVersion = obj.apiVersion, kind = obj.kind, name = obj.metadata.name, uid = obj.metadata.uid},
    },
  },
  spec = {upgrade = obj.metadata.name, action = "Abandon", by = "argocd", reason = given("reason")},
}
return {{operation = "create", resource = order}}
