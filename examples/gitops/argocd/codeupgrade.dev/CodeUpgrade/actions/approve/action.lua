-- Creates an order Approve, owned by the object: it stands below it in the tree, and goes with it. Argo's own event names the person.
local function given(name)
  if actionParams ~= nil and actionParams[name] ~= nil and actionParams[name] ~= "" then
    return actionParams[name]
  end
  return nil
end
local subject = given("for")
if subject == nil and obj.status ~= nil and obj.status.asks ~= nil then
  for _, ask in ipairs(obj.status.asks) do
    if ask.action == "Approve" and subject == nil then
      subject = ask["for"]
    end
  end
end
if subject == nil then
  error("an approval needs for: what it is for, as the message of the object spells it out")
end
local order = {
  apiVersion = "codeupgrade.dev/v1alpha1",
  kind = "CodeUpgradeOrder",
  metadata = {
    name = "approve-" .. os.date("!%Y%m%d%H%M%S") .. "-" .. obj.metadata.name,
    namespace = obj.metadata.namespace,
    ownerReferences = {
      {apiVersion = obj.apiVersion, kind = obj.kind, name = obj.metadata.name, uid = obj.metadata.uid},
    },
  },
  spec = {upgrade = obj.metadata.name, action = "Approve", by = "argocd", reason = given("reason")},
}
order.spec["for"] = subject
return {{operation = "create", resource = order}}
