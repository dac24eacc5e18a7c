# Prints as JSON what the Vagrantfile that is given asks for. It stands in for Vagrant, and knows what that file uses of it:
# whatever else is called is an error.
require "json"

class Provider
  attr_accessor :cpus, :memory
end

class Machine
  attr_accessor :box, :hostname
  attr_reader :asked

  def initialize
    @asked = { networks: [], providers: {}, provisions: [], folders: [], machines: {} }
  end

  def vm = self

  def synced_folder(from, to, **options) = @asked[:folders] << [from, to, options]

  def network(kind, **options) = @asked[:networks] << [kind, options]

  def provision(kind, inline:, args:) = @asked[:provisions] << { kind: kind, inline: inline, args: args }

  def provider(name)
    yield made = Provider.new
    @asked[:providers][name] = { cpus: made.cpus, memory: made.memory }
  end

  def define(name, primary: false)
    yield made = Machine.new
    @asked[:machines][name] = made.asked.merge(hostname: made.hostname, primary: primary)
  end
end

module Vagrant
  def self.configure(version)
    yield config = Machine.new
    puts JSON.generate(config.asked.merge(version: version, box: config.box))
  end
end

load ARGV.fetch(0)
