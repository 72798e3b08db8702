-- What the object asks for (status.asks) can be ordered; everything else is shown and disabled. Pausing is always possible, and taking it back.
local icons = {
  approve = "fa fa-fw fa-check", pause = "fa fa-fw fa-pause", resume = "fa fa-fw fa-play",
  retry = "fa fa-fw fa-redo", adopt = "fa fa-fw fa-handshake", abandon = "fa fa-fw fa-times",
}
local names = {
  Approve = "approve", Pause = "pause", Resume = "resume", Retry = "retry", Adopt = "adopt", Abandon = "abandon",
}
local actions = {}
for name, icon in pairs(icons) do
  actions[name] = {disabled = true, iconClass = icon, params = {{name = "reason"}}}
end
actions.approve.params = {{name = "for"}, {name = "reason"}}
actions.retry.params = {{name = "for"}, {name = "reason"}}
actions.resume.disabled = false
if obj.spec ~= nil and obj.spec.version ~= nil then
  actions.pause.disabled = false
end
if obj.status ~= nil and obj.status.asks ~= nil then
  for _, ask in ipairs(obj.status.asks) do
    local action = actions[names[ask.action]]
    if action ~= nil then
      -- The first of several is what answers a hold.
      if action.displayName == nil then
        action.displayName = ask.action .. " to " .. ask.text
        if ask["for"] ~= nil then
          action.params = {{name = "for", default = ask["for"]}, {name = "reason"}}
        end
      end
      action.disabled = false
    end
  end
elseif obj.status ~= nil and obj.status.reason ~= nil then
  -- An operator that tells no asks yet: what its reason is known to wait for.
  local answers = {
    ApprovalNeeded = "approve", WaveOverdue = "approve", GroupHalted = "retry", HookFailed = "retry", BackupFailed = "retry",
    ServerFailing = "retry", AdoptionNeeded = "adopt", RestoredByHand = "adopt", UnexpectedRelease = "abandon",
  }
  local name = answers[obj.status.reason]
  if name ~= nil then
    actions[name].disabled = false
  end
end
return actions
